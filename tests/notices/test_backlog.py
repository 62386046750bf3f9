"""When a backlog is told, as a table of what waits minute by minute."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.notices.announced import Announced
from tasks.notices.backlog import Backlog, next_backlog
from tasks.notices.incident import Incident, text_of

MINUTE_MS = 60_000
START_MS = 1_800_000_000_000
LIMIT_MINUTES, QUIET_MINUTES = 10, 15


def told(ages_minutes: list[float], *, limit_minutes: int = LIMIT_MINUTES) -> list[tuple[int, Incident]]:
    """What is told in which minute, where the oldest is so old in each; 0 is that nothing waits."""
    announced, ids, incidents = Announced(), map(str, itertools.count()), []
    for minute, age in enumerate(ages_minutes):
        now_ms = START_MS + minute * MINUTE_MS
        backlog = Backlog(7, "normal", now_ms - int(age * MINUTE_MS)) if age else None
        announced, new = next_backlog(
            announced,
            backlog,
            limit_ms=limit_minutes * MINUTE_MS,
            now_ms=now_ms,
            quiet_ms=QUIET_MINUTES * MINUTE_MS,
            new_id=lambda: next(ids),
        )
        incidents += [(minute, each) for each in new]
    return incidents


@pytest.mark.parametrize(
    "ages, events",
    [
        ([0, 5, 9.9], []),
        ([0, 10, 11, 12], [(1, "backlog")]),
        ([10, 0], [(0, "backlog"), (1, "backlog_over")]),
        # At the edge it is one backlog.
        ([10, 9, 10, 6, 11, 4.9], [(0, "backlog"), (5, "backlog_over")]),
        # The next one is told after the quiet time, where it still stands then.
        ([10, 0, *[12] * 16], [(0, "backlog"), (1, "backlog_over"), (15, "backlog")]),
    ],
)
def test_it_is_told_once_and_once_when_it_is_over(ages: list[float], events: list[tuple[int, str]]) -> None:
    assert [(minute, each.event) for minute, each in told(ages)] == events


def test_who_sets_the_limit_to_nothing_hears_nothing_of_its_end_either() -> None:
    announced = Announced(backlog_since_ms=START_MS)
    after, incidents = next_backlog(
        announced, None, limit_ms=0, now_ms=START_MS + 1, quiet_ms=0, new_id=lambda: "1"
    )
    assert (after.backlog_since_ms, incidents) == (0, [])
    assert told([50, 60], limit_minutes=0) == []


def test_a_worker_whose_clock_is_behind_tells_of_no_negative_age() -> None:
    backlog = Backlog(1, "high", START_MS + 5_000)
    after, incidents = next_backlog(Announced(), backlog, limit_ms=1, now_ms=START_MS, quiet_ms=0)
    assert (after, incidents) == (Announced(), [])
    late = replace(backlog, since_ms=START_MS - 1)
    assert next_backlog(Announced(), late, limit_ms=1, now_ms=START_MS, quiet_ms=0)[1]


@given(st.lists(st.floats(0, 40), max_size=60))
def test_whatever_happens_beginnings_and_ends_take_turns_and_keep_the_quiet_time(ages: list[float]) -> None:
    incidents = told(ages)
    events = [each.event for _, each in incidents]
    assert events == ["backlog", "backlog_over"] * (len(events) // 2) + ["backlog"] * (len(events) % 2)
    begun = [minute for minute, each in incidents if each.event == "backlog"]
    assert all(later - earlier >= QUIET_MINUTES for earlier, later in itertools.pairwise(begun))


def test_the_words_say_how_many_how_long_and_where_to_look() -> None:
    (_, begun), (_, over) = told([12, 0])
    assert text_of(begun).splitlines() == [
        "7 notifications wait for a worker, the oldest for 12 minutes.",
        "",
        "They are sent once a worker takes them: workers are too few, or each slot waits for a slow server.",
        "You are told when it is over.",
        "Look: `notify doctor`, `notify server list`, `notify message list --state queued`",
    ]
    assert "The oldest began to wait 13 minutes ago." in text_of(over)
