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
