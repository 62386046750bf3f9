"""A process makes no more passes at once than it has slots, whoever brought them."""

from __future__ import annotations

import threading
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait

import pytest

from tasks.delivery.room import LONGEST_PATIENCE_SECONDS, Room
from tests.rigs.processes import wait_until


@pytest.mark.parametrize(
    "slots, taken, wanted, given",
    [
        (8, 0, 50, 8),
        (8, 0, 3, 3),
        (8, 5, 50, 3),
        (8, 7, 50, 1),
        (1, 0, 50, 1),
        (8, 0, 0, 1),
    ],
)
def test_whoever_comes_has_what_is_free_and_one_at_least(
    slots: int, taken: int, wanted: int, given: int
) -> None:
    room = Room(lambda: slots)
    for _ in range(taken):
        room.take(1)
    assert room.take(wanted) == given


def test_who_finds_none_free_waits_until_one_is_given_back_and_it_is_crowded_meanwhile() -> None:
    room = Room(lambda: 4)
    assert room.take(4) == 4
    assert not room.is_crowded
    with ThreadPoolExecutor() as threads:
        first, second = threads.submit(room.take, 50), threads.submit(room.take, 1)
        wait_until(lambda: len(room._line) == 2, what="both waiting")
        assert room.is_crowded
        assert not wait({first, second}, timeout=0).done
        room.leave()
        wait({first, second}, timeout=60, return_when=FIRST_COMPLETED)
        assert (first.done(), second.done()) in {(True, False), (False, True)}
        assert room.is_crowded
        room.leave()
        assert (first.result(60), second.result(60)) == (1, 1)
    assert not room.is_crowded
    room.leave(4)
    assert room.take(50) == 4


def test_a_place_is_given_back_whatever_its_pass_raises() -> None:
    room = Room(lambda: 1)
    with pytest.raises(SystemExit), room.one():
        raise SystemExit
    room.take(1)
    assert not room.is_crowded


def test_it_goes_by_the_slots_of_the_moment() -> None:
    slots = 1
    room = Room(lambda: slots)
    assert room.take(5) == 1
    slots = 4
    assert room.take(5) == 3
    slots = 2
    assert room.is_crowded
    assert not room.is_for_one
    slots = 1
    assert room.is_for_one


def test_threads_that_come_at_once_never_have_more_than_there_is() -> None:
    slots, threads, rounds = 12, 20, 50
    room = Room(lambda: slots)
    most: list[int] = []

    def come_and_go(_number: int) -> None:
        for _ in range(rounds):
            taken = room.take(5)
            most.append(room._taken)
            room.leave(taken)

    with ThreadPoolExecutor(threads) as at_once:
        list(at_once.map(come_and_go, range(threads)))
    assert len(most) == threads * rounds
    assert max(most) <= slots
    assert room.take(50) == slots


@pytest.mark.parametrize("wanted, enough", [(50, 4), (8, 4), (3, 3)])
def test_who_has_patience_waits_for_half_of_the_places_or_for_what_is_wanted(
    wanted: int, enough: int
) -> None:
    room = Room(lambda: 8)
    room.take(8)
    with ThreadPoolExecutor(1) as others:
        given = others.submit(lambda: room.take(wanted, patience_seconds=60))
        room.leave(enough - 1)
        assert not wait({given}, timeout=0.05).done
        assert not room.is_crowded
        room.leave()
        assert given.result(60) == enough


def test_whose_patience_ends_has_what_is_free() -> None:
    room = Room(lambda: 8)
    assert room.take(6, patience_seconds=60) == 6
    assert room.take(50, patience_seconds=0.01) == 2


def test_patience_begins_anew_when_somebody_is_done_soon_and_not_when_they_just_leave() -> None:
    now = [100.0]
    room = Room(lambda: 8, clock=lambda: now[0])
    room.take(7)
    with ThreadPoolExecutor(2) as others:
        given = others.submit(lambda: room.take(50, patience_seconds=0.1))
        wait_until(lambda: len(room._line) == 1, what="it waiting")
        # The place that is free does not tempt it while others get done, however long all of them take.
        for _ in range(20):
            room.leave(soon_done=True)
            room.take(1)
            now[0] += 0.09
            assert not wait({given}, timeout=0.02).done
        room.leave()
        room.take(1)
        now[0] += 0.09
        assert given.result(60) == 1


def test_those_that_come_and_go_for_ever_keep_nobody_waiting_for_longer_than_the_longest_patience() -> None:
    now = [100.0]
    room = Room(lambda: 8, clock=lambda: now[0])
    room.take(6)
    with ThreadPoolExecutor(1) as others:
        given = others.submit(lambda: room.take(50, patience_seconds=0.1))
        wait_until(lambda: len(room._line) == 1, what="it waiting")
        # They want less than it, and so they find it before it does.
        while now[0] < 100 + LONGEST_PATIENCE_SECONDS:
            assert room.take(2, patience_seconds=0.1) == 2
            room.leave(2, soon_done=True)
            now[0] += 0.05
        assert given.result(60) == 2


def test_who_came_first_is_served_first_and_nobody_is_woken_for_nothing() -> None:
    room = Room(lambda: 4)
    room.take(4)
    served: list[str] = []

    def come(name: str) -> None:
        room.take(1)
        served.append(name)

    with ThreadPoolExecutor(3) as others:
        for place, name in enumerate(("first", "second", "third"), start=1):
            others.submit(come, name)
            wait_until(lambda place=place: len(room._line) == place, what=f"{name} in the line")  # type: ignore[misc]
        for place in range(1, 4):
            room.leave()
            wait_until(lambda place=place: len(served) == place, what=f"{place} served")  # type: ignore[misc]
    assert served == ["first", "second", "third"]
    assert room._taken == 4


def test_whoever_is_interrupted_while_they_wait_leaves_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    room = Room(lambda: 1)
    room.take(1)

    def interrupted(_event: threading.Event, _seconds: float | None = None) -> bool:
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(threading.Event, "wait", interrupted)
        with pytest.raises(SystemExit):
            room.take(1)
    assert not room.is_crowded
    room.leave()
    assert room.take(1) == 1
