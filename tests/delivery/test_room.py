"""A process makes no more passes at once than it has slots, whoever brought them."""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait

import pytest

from tasks.delivery.room import Room
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
        wait_until(lambda: room._waiting == 2, what="both waiting")
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
