"""High first, low last, nobody starved; the same in every worker."""

from __future__ import annotations

import pytest
from kombu.utils.scheduling import cycle_by_name

from tasks import broker, queue_order
from tasks.queue_order import TURN_FOR_THE_LAST, LaneOrder

QUEUES = {"notify.low", "notify.files", "notify.high", "notify.normal"}
FIRST_TO_LAST = ["notify.high", "notify.normal", "notify.files", "notify.low"]


@pytest.fixture
def order() -> LaneOrder:
    lanes = LaneOrder()
    lanes.update(QUEUES)
    return lanes


def test_lanes_are_looked_at_from_high_to_low(order: LaneOrder) -> None:
    assert order.consume(4) == FIRST_TO_LAST
    order.rotate("notify.high")
    assert order.consume(4) == FIRST_TO_LAST


def test_one_look_in_ten_begins_with_the_lowest(order: LaneOrder) -> None:
    looks = [order.consume(4)[0] for _ in range(TURN_FOR_THE_LAST * 3)]
    assert looks.count("notify.low") == 3


def test_queues_of_others_come_last(order: LaneOrder) -> None:
    order.update({*QUEUES, "celery"})
    assert order.consume(5)[-1] == "celery"


def test_kombu_finds_the_strategy_by_the_name_that_the_broker_options_give() -> None:
    name = broker.transport_options()["queue_order_strategy"]
    assert cycle_by_name(name) is LaneOrder


@pytest.fixture
def left_out(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The queues that are left out, for a test to change."""
    queues: set[str] = set()
    monkeypatch.setattr(queue_order, "_left_out", [])
    queue_order.leave_out(lambda: queues)
    return queues


def test_a_queue_that_is_left_out_is_looked_at_again_once_it_is_not(
    order: LaneOrder, left_out: set[str]
) -> None:
    left_out.add("notify.files")
    for _ in range(TURN_FOR_THE_LAST * 2):
        assert sorted(order.consume(4)) == ["notify.high", "notify.low", "notify.normal"]
    left_out.clear()
    assert "notify.files" in order.consume(4)


def test_a_worker_that_consumes_nothing_else_leaves_nothing_out(order: LaneOrder, left_out: set[str]) -> None:
    left_out.add("notify.files")
    order.update({"notify.files"})
    assert order.consume(1) == ["notify.files"]
