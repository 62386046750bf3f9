"""Messages per minute, case by case."""

from __future__ import annotations

import pytest
import redis

from tasks.limits import Allowance, Granted, Limits
from tests.rigs.limits_bench import ACCOUNT, Bench


def crowd(bench: Bench, count: int, name: str = "n") -> list[int]:
    return [bench.send(f"{name}{number}") for number in range(count)]


def test_without_limits_nothing_is_asked(any_redis: redis.Redis) -> None:
    assert Limits(any_redis, worker="w1").take(ACCOUNT, Allowance(), message="n", holder="h") == Granted()
    assert any_redis.dbsize() == 0


def test_after_silence_a_sixth_goes_at_once_and_the_others_one_by_one(bench: Bench) -> None:
    assert crowd(bench, 12) == [0] * 5 + [10_000, 12_000, 14_000, 16_000, 18_000, 20_000, 22_000]


def test_each_caller_has_a_time_of_its_own(bench: Bench) -> None:
    times = [bench.send(f"n{number}", worker=f"w{number % 4}") for number in range(100)]
    reserved = [time for time in times if time]
    assert len(set(reserved)) == len(reserved) == 95


def test_who_comes_at_its_time_goes(bench: Bench) -> None:
    crowd(bench, 7)
    bench.clock.advance(9.999)
    assert bench.send("n5") == 1
    bench.clock.advance(0.001)
    assert bench.send("n5") == 0
    assert bench.send("n6") == 2_000


def test_a_crowd_is_spread_to_the_millisecond_also_where_the_limit_does_not_divide_a_minute(
    bench: Bench,
) -> None:
    bench.allowance = Allowance(messages_per_minute=49)
    times = crowd(bench, 200)
    assert all(late - early >= 60_000 for early, late in zip(times, times[49:], strict=False))
    assert all(late - early >= 8_572 for early, late in zip(times, times[7:], strict=False))


def test_asking_again_neither_counts_twice_nor_loses_the_place(bench: Bench) -> None:
    crowd(bench, 7)
    stored = bench.stored()
    assert [bench.send("n0"), bench.send("n5"), bench.send("n6"), bench.send("n4")] == [0, 10_000, 12_000, 0]
    assert bench.stored() == stored


def test_a_message_that_was_allowed_and_asks_again_later_counts_from_then(bench: Bench) -> None:
    crowd(bench, 5)
    bench.clock.advance(9)
    assert bench.send("n0") == 0
    bench.clock.advance(1)
    assert [bench.send(f"m{number}") for number in range(5)] == [0, 0, 0, 0, 9_000]


def test_what_is_given_back_goes_to_the_next(bench: Bench) -> None:
    crowd(bench, 6)
    bench.worker().give_back(ACCOUNT, "n5")
    assert bench.send("m0") == 10_000
    bench.worker().give_back(ACCOUNT, "m0")
    bench.worker().give_back(ACCOUNT, "n0")
    bench.worker().give_back(ACCOUNT, "n0")
    assert [bench.send("m1"), bench.send("m2")] == [0, 10_000]


def test_who_comes_late_does_not_go_to_the_end_of_the_line(bench: Bench) -> None:
    crowd(bench, 100)
    bench.clock.advance(30)
    # Those with a turn at 10, 12, 14 ... 34 s come all at once: two bursts go, the others soon.
    late = [bench.send(f"n{number}") for number in range(5, 16)]
    assert late == [0] * 10 + [10_000]
    bench.clock.advance(2)
    assert [bench.send("n16"), bench.send("n17")] == [10_000, 2_000]
    assert bench.send("newcomer") > 100_000


def test_a_turn_is_kept_free_for_a_moment_and_then_given_to_others(bench: Bench) -> None:
    crowd(bench, 6)
    bench.clock.advance(15)
    assert [bench.send(f"m{number}") for number in range(5)] == [0, 0, 0, 0, 10_000]
    assert bench.send("n5") == 0
    bench.clock.advance(60)
    bench.send("n6")
    bench.clock.advance(60)
    assert crowd(bench, 5, "fresh") == [0] * 5


def test_those_whose_turn_has_come_are_told_in_their_order_what_is_urgent_first(bench: Bench) -> None:
    crowd(bench, 8)
    assert bench.send("alert", urgent=True) == 0
    for number in range(4):
        bench.send(f"alert{number}", urgent=True)
    assert bench.send("late alert", urgent=True) == 10_000

    def told() -> list[str]:
        return bench.worker().turns_come([ACCOUNT, "another"])

    assert told() == []
    bench.clock.advance(12)
    assert told() == ["late alert", "n5", "n6"]
    assert bench.send("n5") == 0
    bench.worker().give_back(ACCOUNT, "late alert")
    assert told() == ["n6"]
    bench.clock.advance(31)
    assert told() == ["n7"]
    bench.clock.advance(2)
    assert told() == [], "half a minute late they come by their age"
    assert bench.worker().turns_come([]) == []


def test_a_line_that_nobody_stands_in_any_more_is_forgotten(bench: Bench) -> None:
    crowd(bench, 100)
    bench.clock.advance(300)
    assert crowd(bench, 6, "m") == [0] * 5 + [10_000]


@pytest.mark.parametrize(
    "limit, waits_ms",
    [
        (300, [0] * 45 + [10_000, 10_200, 10_400]),
        # One of them stands a place further back: one of the minute's is kept for what is urgent.
        (30, [72_000, 74_000]),
        (6, [10_000, 60_000, 70_000, 80_000]),
        (1, [60_000, 120_000, 180_000]),
        (0, [0] * 100),
    ],
)
def test_a_changed_limit_holds_for_the_next_who_asks(bench: Bench, limit: int, waits_ms: list[int]) -> None:
    """Five went a moment ago, and thirty have a turn under the old limit, which is void under a new one."""
    crowd(bench, 35)
    bench.allowance = Allowance(messages_per_minute=limit)
    assert crowd(bench, len(waits_ms), "m") == waits_ms


def test_a_clock_that_is_set_back_stops_nobody_for_longer_than_a_window(bench: Bench) -> None:
    crowd(bench, 50)
    bench.clock.advance(-3600)
    assert bench.send("m") == 10_000
    bench.clock.advance(10)
    assert crowd(bench, 5, "later") == [0, 0, 0, 0, 10_000]
    assert bench.send("m") == 0


def test_accounts_and_installations_are_apart(bench: Bench) -> None:
    crowd(bench, 6)
    assert bench.worker().take("another", bench.allowance, message="n0") == Granted()
    other = Limits(bench.redis, worker="w1", prefix="other")
    assert other.take(ACCOUNT, bench.allowance, message="n0") == Granted()


def test_by_default_the_time_is_that_of_redis(any_redis: redis.Redis) -> None:
    limits = Limits(any_redis, worker="w1")
    answers = [limits.take(ACCOUNT, Allowance(1), message=f"n{number}") for number in range(2)]
    seconds, _ = any_redis.time()
    assert answers[0] == Granted()
    assert not isinstance(answers[1], Granted)
    assert abs(answers[1].at_ms - seconds * 1000 - 60_000) < 5_000
    assert 55 < answers[1].wait_seconds <= 60
    assert answers[1].reason == "our own limit of messages per minute"


def test_nothing_is_kept_for_ever(bench: Bench) -> None:
    crowd(bench, 20)
    bench.allowance = Allowance(30, 1)
    bench.connected("h1")
    bench.connect("h2", worker="w2")
    assert bench.worker().should_yield(bench.connected("h1"))
    keys = [str(key) for key in bench.redis.scan_iter("notify:limit:*")]
    assert len(keys) == 6
    assert all(0 < bench.redis.pttl(key) <= 2 * 86_400_000 for key in keys)


def test_a_message_is_counted_also_where_redis_takes_nothing_more_for_memory(bench: Bench) -> None:
    bench.redis.config_set("maxmemory-policy", "noeviction")
    bench.redis.config_set("maxmemory", 1)
    try:
        assert crowd(bench, 6) == [0] * 5 + [10_000]
        bench.allowance = Allowance(0, 1)
        assert not bench.worker().should_yield(bench.connected("h1"))
        bench.connect("h2", worker="w2")
        assert bench.worker().should_yield(bench.connected("h1"))
        bench.worker().give_back(ACCOUNT, "n5")
    finally:
        bench.redis.config_set("maxmemory", 0)
