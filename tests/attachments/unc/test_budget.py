from __future__ import annotations

import contextlib

import pytest

from tasks.attachments.unc.budget import Budget


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_only_the_time_that_the_server_takes_is_used_up() -> None:
    clock = Clock()
    budget = Budget(10, clock)
    with budget.spending():
        clock.now += 3
        assert budget.left_seconds == 7
    clock.now += 1000
    assert budget.left_seconds == 7
    with contextlib.suppress(ValueError), budget.spending():
        clock.now += 2
        raise ValueError
    assert budget.left_seconds == 5


def test_time_counts_once_however_deep_it_is_counted() -> None:
    clock = Clock()
    budget = Budget(10, clock)
    with budget.spending(), budget.spending():
        clock.now += 3
    assert budget.left_seconds == 7


@pytest.mark.parametrize("seconds", [10, 11, 1e9])
def test_nothing_is_left_when_all_is_used(seconds: float) -> None:
    clock = Clock()
    budget = Budget(10, clock)
    with budget.spending():
        clock.now += seconds
        assert budget.left_seconds == 0
    assert budget.left_seconds == 0


@pytest.mark.parametrize(
    "seconds, usual, waited, is_silent",
    [(60, 60, 5, True), (60, 60, 4, False), (1, 60, 1, False), (6, 6, 3, True), (6, 6, 2, False)],
)
def test_who_had_too_little_time_is_not_taken_for_silent(
    seconds: float, usual: float, waited: float, *, is_silent: bool
) -> None:
    clock = Clock()
    budget = Budget(seconds, clock, usual_seconds=usual)
    before = budget.left_seconds
    with budget.spending():
        clock.now += waited
    assert budget.was_long(before) is is_silent
