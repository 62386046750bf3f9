"""The arithmetic of bursts and windows."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.limits import Pace, pace_of


@pytest.mark.parametrize(
    "limit, pace",
    [
        (1, Pace(1, 60_000)),
        (2, Pace(1, 30_000)),
        (5, Pace(1, 12_000)),
        (6, Pace(1, 10_000)),
        (7, Pace(1, 8_572)),
        (12, Pace(2, 10_000)),
        (13, Pace(2, 10_000)),
        (20, Pace(2, 6_000)),
        (30, Pace(5, 10_000)),
        (60, Pace(10, 10_000)),
        (100_000, Pace(12_500, 7_500)),
    ],
)
def test_a_limit_has_its_pace(limit: int, pace: Pace) -> None:
    assert pace_of(limit) == pace


@given(limit=st.integers(1, 100_000))
def test_no_minute_holds_more_bursts_than_the_limit_and_hardly_less(limit: int) -> None:
    pace = pace_of(limit)
    windows_that_touch_a_minute = math.ceil(60_000 / pace.window_ms)
    assert pace.burst * windows_that_touch_a_minute <= limit
    assert pace.burst * 60_000 / pace.window_ms >= limit * 12 / 13 * 0.999
    assert pace.burst <= max(limit / 6, 1)
