"""What is urgent goes before all that wait for their turn."""

from __future__ import annotations

import heapq
import math

import pytest

from tasks.limits import Allowance, Granted, Wait, pace_of
from tests.rigs.limits_bench import ACCOUNT, Bench


def ask(bench: Bench, message: str, *, urgent: bool, holder: str = "", worker: str = "w1") -> Granted | Wait:
    return bench.worker(worker).take(ACCOUNT, bench.allowance, message=message, holder=holder, urgent=urgent)


def line_up(bench: Bench, count: int) -> None:
    """So many ask; each but the first few gets a turn, one behind the other."""
    for number in range(count):
        bench.send(f"m{number}")


def test_it_goes_at_once_where_a_hundred_have_a_turn_and_a_place_is_left(bench: Bench) -> None:
    line_up(bench, 100)
    assert bench.send("ordinary") > 150_000
    assert ask(bench, "alert", urgent=True) == Granted()


def test_each_of_many_goes_within_seconds_while_all_places_are_taken_for_minutes(bench: Bench) -> None:
    due = {f"m{number}": bench.clock.now_ms for number in range(200)}
    asked_at: dict[str, int] = {}
    waits: list[int] = []
    for second in range(180):
        if second % 6 == 0 and second < 174:
            due[f"alert{second}"] = asked_at[f"alert{second}"] = bench.clock.now_ms
        # Who comes at the same moment comes in any order; here what is urgent comes last.
        for name in sorted((each for each, at in due.items() if at <= bench.clock.now_ms), reverse=True):
            wait = bench.send(name, urgent=name in asked_at)
            if wait:
                due[name] = bench.clock.now_ms + wait
                continue
            del due[name]
            if name in asked_at:
                waits.append(bench.clock.now_ms - asked_at[name])
        bench.clock.advance(1)
    assert len(waits) == 29
    assert max(waits) <= 6_000, "no longer than a window of the pace"
    assert len(due) > 100, "the others fill every place that is left"


def test_who_is_displaced_goes_a_moment_later(bench: Bench) -> None:
    bench.allowance = Allowance(messages_per_minute=6)
    assert bench.send("m0") == 0
    assert bench.send("m1") == 10_000
    bench.clock.advance(10)
    assert ask(bench, "alert", urgent=True) == Granted()
    wait = bench.send("m1")
    assert 0 <= wait <= 10_000
    bench.clock.advance(wait / 1000 + 0.001)
    assert bench.send("m1") == 0


def test_it_stands_in_no_line_for_a_connection(bench: Bench) -> None:
    bench.allowance = Allowance(connections=2)
    bench.connected("h1")
    bench.connected("h2")
    for number in range(2_000):
        bench.connect(f"y{number}")
    answer = ask(bench, "", urgent=True, holder="alert")
    assert isinstance(answer, Wait)
    assert answer.limit == "connections"
    assert answer.wait_seconds <= 1


def beside_a_backlog(
    bench: Bench, *, first_seconds: float, every_seconds: float
) -> tuple[list[int], list[int]]:
    """How long urgent ones wait that come so far apart, in milliseconds; and when anything went."""
    start_ms, urgent_ones = bench.clock.now_ms, 20
    minutes = math.ceil((first_seconds + urgent_ones * every_seconds) / 60)
    # At the same moment the ordinary ones come first.
    events = [(start_ms, 0, f"m{number}") for number in range(bench.allowance.messages_per_minute * minutes)]
    events += [
        (start_ms + int((first_seconds + number * every_seconds) * 1000), 1, f"u{number}")
        for number in range(urgent_ones)
    ]
    asked_at = {name: at for at, urgent, name in events if urgent}
    heapq.heapify(events)
    waits: list[int] = []
    went: list[int] = []
    while len(waits) < len(asked_at):
        at, urgent, name = heapq.heappop(events)
        bench.go_to(at)
        wait = bench.send(name, urgent=bool(urgent))
        if wait:
            heapq.heappush(events, (at + wait, urgent, name))
            continue
        went.append(at - start_ms)
        if urgent:
            waits.append(at - asked_at[name])
    return waits, went


@pytest.mark.parametrize("first_seconds", [90.0, 96.5])
@pytest.mark.parametrize("limit", [10, 12, 20, 30, 49, 60, 120])
def test_one_that_comes_two_places_after_the_one_before_goes_at_once_however_small_the_limit(
    bench: Bench, limit: int, first_seconds: float
) -> None:
    bench.allowance = Allowance(messages_per_minute=limit)
    waits, went = beside_a_backlog(bench, first_seconds=first_seconds, every_seconds=120 / limit)
    assert max(waits) == 0
    for first, one_too_many in zip(went, went[limit:], strict=False):
        assert one_too_many - first >= 60_000, f"more than {limit} within a minute"
    for minute in range(went[-1] // 60_000):
        begin = minute * 60_000
        assert sum(begin <= at < begin + 60_000 for at in went) >= limit * 0.9


@pytest.mark.parametrize("limit", [5, 6, 9])
def test_of_very_few_messages_a_minute_none_is_kept_and_it_waits_for_the_next_place(
    bench: Bench, limit: int
) -> None:
    """A kept one would be more than a tenth of them."""
    bench.allowance = Allowance(messages_per_minute=limit)
    waits, _ = beside_a_backlog(bench, first_seconds=90, every_seconds=180 / limit)
    pace = pace_of(limit)
    assert 0 < max(waits) <= pace.window_ms / pace.burst
