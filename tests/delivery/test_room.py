"""A process makes as many passes at once as it has slots, whoever brought them."""

from __future__ import annotations

import threading

import pytest

from tasks.delivery.room import Room


@pytest.mark.parametrize(
    "slots, taken, wanted, given",
    [
        (8, 0, 50, 8),
        (8, 0, 3, 3),
        (8, 5, 50, 3),
        # One in any case: who takes it has a slot of the pool.
        (8, 8, 50, 1),
        (8, 9, 50, 1),
        (1, 0, 50, 1),
        (8, 0, 0, 1),
    ],
)
def test_whoever_comes_has_what_is_free_and_one_in_any_case(
    slots: int, taken: int, wanted: int, given: int
) -> None:
    room = Room(lambda: slots)
    for _ in range(taken):
        room.take(1)
    assert room.take(wanted) == given


def test_it_is_crowded_as_soon_as_more_are_taken_than_there_are_and_until_some_are_given_back() -> None:
    room = Room(lambda: 4)
    assert room.take(4) == 4
    assert not room.is_crowded
    with room.one():
        assert room.is_crowded
        with room.one():
            room.leave()
            assert room.is_crowded
        assert not room.is_crowded
    room.leave(3)
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


def test_threads_that_come_at_once_never_have_more_than_there_is_beyond_their_one() -> None:
    slots, threads = 12, 6
    room = Room(lambda: slots)
    gate = threading.Barrier(threads)
    taken: list[int] = []

    def take() -> None:
        gate.wait(60)
        taken.append(room.take(5))

    at_once = [threading.Thread(target=take) for _ in range(threads)]
    for thread in at_once:
        thread.start()
    for thread in at_once:
        thread.join(60)
    # 5, 5, 2, and one for each of those that found nothing free.
    assert sorted(taken) == [1, 1, 1, 2, 5, 5]
    room.leave(sum(taken))
    assert room.take(50) == slots
