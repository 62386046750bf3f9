"""Few slots of a process wait for turns that are near, whoever is urgent."""

from __future__ import annotations

import pytest

from tasks.delivery.patience import LEAST_WAIT_SECONDS, URGENT_SECONDS, Patience
from tasks.delivery.waiting_places import WaitingPlaces


class Seconds:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize("slots, places", [(16, 4), (8, 2), (7, 1), (4, 1), (1, 1)])
def test_a_quarter_of_the_slots_may_wait_at_once(slots: int, places: int) -> None:
    waiting = WaitingPlaces(lambda: slots, clock=Seconds())
    assert [waiting.take(1.0) for _ in range(slots + 1)] == [True] * places + [False] * (slots + 1 - places)


def test_a_place_is_free_again_when_its_wait_is_over() -> None:
    seconds = Seconds()
    waiting = WaitingPlaces(lambda: 4, clock=seconds)
    assert waiting.take(0.5)
    seconds.now += 0.4
    assert not waiting.take(0.1)
    seconds.now += 0.1
    assert waiting.take(0.1)


@pytest.mark.parametrize("slots, rests_until", [(3, 4 / 3), (2, 2.0), (1, 4.0)])
def test_fewer_slots_than_four_wait_no_more_than_a_quarter_of_their_time(
    slots: int, rests_until: float
) -> None:
    seconds = Seconds()
    waiting = WaitingPlaces(lambda: slots, clock=seconds)
    assert waiting.take(1.0)
    seconds.now += rests_until - 0.01
    assert not waiting.take(1.0)
    seconds.now += 0.02
    assert waiting.take(1.0)


def test_the_slots_are_those_that_the_process_has_now() -> None:
    slots = [1]
    waiting = WaitingPlaces(lambda: slots[0], clock=Seconds())
    assert waiting.take(1.0)
    slots[0] = 8
    assert waiting.take(1.0)
    assert not waiting.take(1.0)


def test_a_pass_waits_so_long_in_all_and_never_shorter_than_a_blink() -> None:
    patience = Patience(WaitingPlaces(lambda: 400, clock=Seconds()), urgent=True)
    assert patience.wait_for(-1.0) == LEAST_WAIT_SECONDS
    assert patience.wait_for(2.0) == 2.0
    assert patience.wait_for(URGENT_SECONDS - 2.0) == 0.0
    assert patience.wait_for(0.3) == 0.3


def test_what_is_not_urgent_waits_for_nothing_and_takes_no_place() -> None:
    places = WaitingPlaces(lambda: 4, clock=Seconds())
    assert Patience(places, urgent=False).wait_for(0.1) == 0.0
    assert Patience(places, urgent=True).wait_for(0.1) == 0.1
