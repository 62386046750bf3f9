"""The gate lets messages through in the lanes' order, as many as may be unacknowledged."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks import queue_order
from tasks.lane_gate import LaneGate

HIGH, NORMAL, LOW, FILES = "notify.high", "notify.normal", "notify.low", "notify.files"


class Through:
    """A gate with all lanes open, and what went through it."""

    def __init__(self, credit: int) -> None:
        self.gate = LaneGate()
        self.gate.credit = credit
        self.tags: list[int] = []
        for queue in (LOW, FILES, HIGH, NORMAL):
            self.gate.open_lane(queue)

    def take(self, queue: str, *tags: int) -> None:
        for tag in tags:
            self.gate.take(queue, tag, lambda tag=tag: self.tags.append(tag))  # type: ignore[misc]


@pytest.fixture(autouse=True)
def nothing_left_out() -> Iterator[None]:
    yield
    queue_order.leave_out(tuple)
    queue_order.take_none_while(bool)


def test_no_more_go_through_than_may_be_unacknowledged() -> None:
    through = Through(2)
    through.take(NORMAL, 1, 2, 3, 4)
    assert through.tags == [1, 2]
    through.gate.settle(1)
    assert through.tags == [1, 2, 3]
    assert [through.gate.is_unsettled(tag) for tag in (1, 2, 4)] == [False, True, False]


def test_the_highest_lane_goes_first_whichever_came_first() -> None:
    through = Through(1)
    through.take(LOW, 1, 2)
    through.take(NORMAL, 3)
    through.take(HIGH, 4)
    for tag in (1, 4, 3):
        through.gate.settle(tag)
    assert through.tags == [1, 4, 3, 2]


def test_a_lane_that_has_its_share_waits_until_it_has_not() -> None:
    full = [FILES]
    queue_order.leave_out(lambda: full)
    through = Through(4)
    through.take(FILES, 1)
    through.take(NORMAL, 2)
    assert through.tags == [2]
    full.clear()
    through.gate.let_through()
    assert through.tags == [2, 1]


def test_none_goes_through_while_the_worker_has_enough() -> None:
    enough = [True]
    queue_order.take_none_while(lambda: bool(enough))
    through = Through(4)
    through.take(NORMAL, 1)
    assert through.tags == []
    through.take(HIGH, 2)
    enough.clear()
    through.gate.let_through()
    assert through.tags == [2, 1]


def test_a_message_that_is_settled_while_it_is_handed_over_lets_the_next_go() -> None:
    gate = LaneGate()
    gate.credit = 1
    gate.open_lane(NORMAL)
    seen: list[int] = []

    def refuse(tag: int) -> None:
        seen.append(tag)
        gate.settle(tag)

    for tag in range(3):
        gate.take(NORMAL, tag, lambda tag=tag: refuse(tag))  # type: ignore[misc]
    assert seen == [0, 1, 2]


def test_a_lane_that_is_closed_gives_back_what_is_held_and_nothing_of_it_goes_through() -> None:
    through = Through(1)
    through.take(NORMAL, 1, 2, 3)
    through.take(LOW, 4)
    assert through.gate.close_lane(NORMAL) == [2, 3]
    through.gate.settle(1)
    assert through.tags == [1, 4]
    assert through.gate.close_lane("unknown") == []


@given(
    credit=st.integers(1, 5),
    came=st.lists(st.sampled_from([HIGH, NORMAL, LOW, FILES]), max_size=60),
    settled_at_once=st.sets(st.integers(0, 59)),
)
def test_everything_goes_through_once_and_never_too_much_at_a_time(
    credit: int, came: list[str], settled_at_once: set[int]
) -> None:
    through = Through(credit)
    unsettled: list[int] = []

    def hand_over(tag: int) -> None:
        through.tags.append(tag)
        unsettled.append(tag)
        assert len(unsettled) <= credit
        if tag in settled_at_once:
            unsettled.remove(tag)
            through.gate.settle(tag)

    for tag, queue in enumerate(came):
        through.gate.take(queue, tag, lambda tag=tag: hand_over(tag))  # type: ignore[misc]
    while unsettled:
        through.gate.settle(unsettled.pop(0))
    assert sorted(through.tags) == list(range(len(came)))
