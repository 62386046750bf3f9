"""Messages per minute, whatever workers do and whenever they come."""

from __future__ import annotations

import heapq
import itertools
import random
from dataclasses import dataclass, field
from typing import Literal

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.limits import Allowance, Pace, pace_of
from tasks.limits.pace import kept_for_urgent
from tests.rigs.limits_bench import ACCOUNT, Bench

LIMITS = st.sampled_from([1, 2, 5, 6, 7, 13, 20, 30, 49, 120])
MINUTE_MS = 60_000
quickly = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def fresh(client: redis.Redis, limit: int) -> Bench:
    client.flushdb()
    return Bench(client, Allowance(messages_per_minute=limit))


def assert_kept(times: list[int], limit: int) -> None:
    """No minute has more than the limit, and no window more than a burst and one for those who are late."""
    ordered, pace = sorted(times), pace_of(limit)
    for count, span_ms in ((limit, MINUTE_MS), (2 * pace.burst, pace.window_ms)):
        for first, one_too_many in zip(ordered, ordered[count:], strict=False):
            assert one_too_many - first >= span_ms, f"more than {count} within {span_ms} ms"


Step = tuple[Literal["new", "urgent", "waiting", "granted", "on time", "gives back"], int, int]


@quickly
@given(
    limit=LIMITS,
    steps=st.lists(
        st.tuples(
            st.sampled_from(["new", "new", "new", "urgent", "waiting", "granted", "on time", "gives back"]),
            st.integers(0, 1_000),
            st.sampled_from([0, 0, 0, 1, 100, 999, 2_000, 9_999, 10_000, 30_000]),
        ),
        min_size=20,
        max_size=80,
    ),
)
def test_no_minute_ever_sees_more_than_the_limit(
    any_redis: redis.Redis, limit: int, steps: list[Step]
) -> None:
    """Callers come new, urgent, early, late, again, or never; time passes in any steps."""
    bench = fresh(any_redis, limit)
    granted: dict[str, int] = {}
    waiting: dict[str, int] = {}
    numbers = itertools.count()

    def ask(message: str) -> None:
        wait_ms = bench.send(message, worker=f"w{len(message) % 2}", urgent=message.startswith("urgent"))
        granted.pop(message, None)
        waiting.pop(message, None)
        if wait_ms:
            waiting[message] = bench.clock.now_ms + wait_ms
        else:
            granted[message] = bench.clock.now_ms

    for what, choice, pause_ms in steps:
        bench.go_to(bench.clock.now_ms + pause_ms)
        if what == "new":
            ask(f"n{next(numbers)}")
        elif what == "urgent":
            ask(f"urgent{next(numbers)}")
        elif what == "granted" and granted:
            ask(sorted(granted)[choice % len(granted)])
        elif what == "waiting" and waiting:
            ask(sorted(waiting)[choice % len(waiting)])
        elif what == "on time" and waiting:
            message = min(waiting, key=lambda each: waiting[each])
            bench.go_to(waiting[message])
            ask(message)
        elif what == "gives back" and granted | waiting:
            message = sorted(granted | waiting)[choice % len(granted | waiting)]
            bench.worker().give_back(ACCOUNT, message)
            granted.pop(message, None)
            waiting.pop(message, None)
        assert_kept(list(granted.values()), limit)


@dataclass
class Plan:
    """An independent account of the earliest times that the rule allows."""

    pace: Pace
    places: int
    times: list[int] = field(default_factory=list)

    def next(self, now_ms: int) -> int:
        at = now_ms
        if len(self.times) >= self.pace.burst:
            at = max(at, self.times[-self.pace.burst] + self.pace.window_ms)
        if len(self.times) >= self.places:
            at = max(at, self.times[-self.places] + MINUTE_MS)
        if self.times and self.times[-1] > now_ms:
            at = max(at, self.times[-1] + self.pace.window_ms // self.pace.burst)
        self.times.append(at)
        return at


@quickly
@given(
    limit=LIMITS,
    gaps_ms=st.lists(st.sampled_from([0, 0, 0, 1, 500, 2_000, 20_000]), min_size=5, max_size=60),
    newcomers_first=st.booleans(),
)
def test_who_comes_in_time_goes_and_no_time_is_wasted(
    any_redis: redis.Redis, limit: int, gaps_ms: list[int], *, newcomers_first: bool
) -> None:
    """Reserved times are kept, never fall back behind earlier ones, and are the earliest that are allowed."""
    bench = fresh(any_redis, limit)
    plan = Plan(pace_of(limit), limit - kept_for_urgent(limit))
    arrivals = itertools.accumulate(gaps_ms, initial=bench.clock.now_ms)
    new, back = (0, 1) if newcomers_first else (1, 0)
    events = [(at, new, number) for number, at in enumerate(arrivals)]
    heapq.heapify(events)
    reserved: list[int] = []
    granted: list[int] = []
    while events:
        at, kind, number = heapq.heappop(events)
        bench.go_to(at)
        goes_at = at + bench.send(f"n{number}")
        if kind == back:
            assert goes_at == at, "somebody came at its time and was sent away"
        else:
            assert goes_at == plan.next(at)
            reserved.append(goes_at)
        if goes_at > at:
            heapq.heappush(events, (goes_at, back, number))
        else:
            granted.append(at)
    assert reserved == sorted(reserved)
    assert sorted(granted) == reserved
    for first, one_too_many in zip(reserved, reserved[plan.pace.burst :], strict=False):
        assert one_too_many - first >= plan.pace.window_ms, "more than a burst where nobody was late"
    assert_kept(granted, limit)


@pytest.mark.parametrize("latest_ms", [0, 1_500, 4_000, 30_000])
@pytest.mark.parametrize("limit", [30, 7])
def test_callers_that_are_late_as_callers_are_lose_little_of_the_limit(
    redis_server: redis.Redis, limit: int, latest_ms: int
) -> None:
    """A crowd for four minutes, each of them late each time: all go, and soon."""
    bench = fresh(redis_server, limit)
    late = random.Random(latest_ms)
    start_ms = bench.clock.now_ms
    events = [(start_ms, number) for number in range(limit * 4)]
    granted: list[int] = []
    questions = 0
    while events:
        at, number = heapq.heappop(events)
        bench.go_to(at)
        questions += 1
        wait_ms = bench.send(f"n{number}")
        if wait_ms:
            heapq.heappush(events, (at + wait_ms + late.randint(0, latest_ms), number))
        else:
            granted.append(at)
    assert_kept(granted, limit)
    assert len(granted) == limit * 4
    minutes = (granted[-1] - start_ms) / MINUTE_MS
    places = limit - kept_for_urgent(limit)
    assert minutes <= limit * 4 / places * 1.15
    assert questions / len(granted) <= 4


@quickly
@given(
    limit=LIMITS,
    on_the_way_ms=st.lists(st.sampled_from([0, 0, 5, 900, 4_000, 15_000, 59_000]), min_size=1, max_size=7),
    arrives=st.lists(st.floats(0, 1), min_size=1, max_size=5),
)
def test_no_minute_of_the_servers_sees_more_than_the_limit_however_long_each_is_on_its_way(
    any_redis: redis.Redis, limit: int, on_the_way_ms: list[int], arrives: list[float]
) -> None:
    """The server counts each at any moment between its being allowed and its being sent."""
    bench = fresh(any_redis, limit)
    events: list[tuple[int, str, int]] = [(bench.clock.now_ms, "asks", number) for number in range(limit * 3)]
    counted: list[int] = []
    while events:
        at, what, number = heapq.heappop(events)
        bench.go_to(at)
        if what == "sent":
            bench.worker().sent(ACCOUNT, f"n{number}")
        elif wait_ms := bench.send(f"n{number}"):
            heapq.heappush(events, (at + wait_ms, "asks", number))
        else:
            takes_ms = on_the_way_ms[number % len(on_the_way_ms)]
            counted.append(at + int(takes_ms * arrives[number % len(arrives)]))
            heapq.heappush(events, (at + takes_ms, "sent", number))
    assert len(counted) == limit * 3
    counted.sort()
    for first, one_too_many in zip(counted, counted[limit:], strict=False):
        assert one_too_many - first >= MINUTE_MS, f"more than {limit} within a minute"
