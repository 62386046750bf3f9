"""What an operator sees, and how long records live."""

from __future__ import annotations

import redis

from tasks.breaker import Breaker, ServerState
from tasks.breaker.timing import KEPT_SECONDS, TOUCH_SECONDS
from tasks.verdict import Verdict
from tests.rigs.breaker_bench import FINGERPRINT, Bench

KEY = f"notify:breaker:{FINGERPRINT}"


def life_ms(bench: Bench) -> int:
    left: int = bench.redis.pttl(KEY)
    return left


def test_a_server_is_shown_with_everything_that_is_known(bench: Bench) -> None:
    bench.report(Verdict.DELIVERED)
    success_ms = bench.clock.now_ms
    bench.clock.advance(20)
    for _ in range(3):
        bench.report(Verdict.SERVER_DOWN, reason="connection refused")
    opened_ms = bench.clock.now_ms
    assert bench.breaker.servers() == [
        ServerState(
            name="primary_email",
            fingerprint=FINGERPRINT,
            state="open",
            since_ms=opened_ms,
            reason="connection refused",
            failures=3,
            next_probe_ms=opened_ms + 5_000,
            last_success_ms=success_ms,
            last_failure_ms=opened_ms,
            paused_by="",
            paused_until_ms=None,
            last_failure_reason="connection refused",
        )
    ]


def test_why_the_last_attempt_failed_is_known_also_once_that_is_over(bench: Bench) -> None:
    bench.report(Verdict.SERVER_DOWN, reason="connection refused")
    bench.clock.advance(20)
    bench.report(Verdict.DELIVERED)
    [state] = bench.breaker.servers()
    assert (state.reason, state.last_failure_reason) == ("", "connection refused")
    for _ in range(3):
        bench.report(Verdict.SERVER_DOWN, reason="too slow")
    bench.clock.advance(5)
    for ok, reason in ((False, "no greeting"), (True, "")):
        token = f"probe-{ok}"
        assert bench.breaker.take_probe(FINGERPRINT, token)
        bench.breaker.probed(FINGERPRINT, token, ok, reason)
        bench.clock.advance(3_600)
    [state] = bench.breaker.servers()
    assert (state.state, state.reason, state.last_failure_reason) == ("closed", "", "no greeting")


def test_servers_are_listed_by_name(bench: Bench) -> None:
    for fingerprint, name in (("b", "secondary_email"), ("a", "primary_sms"), ("c", "primary_email")):
        bench.breaker.report(
            fingerprint,
            Verdict.DELIVERED,
            name=name,  # type: ignore[arg-type]
            token="t",
            began_ms=1,
        )
    assert [row.fingerprint for row in bench.breaker.servers()] == ["c", "a", "b"]


def test_a_record_lives_for_seven_days_after_it_was_written(bench: Bench) -> None:
    bench.open()
    assert KEPT_SECONDS * 1000 - 60_000 < life_ms(bench) <= KEPT_SECONDS * 1000


def test_asking_lengthens_the_life_but_not_each_time(bench: Bench) -> None:
    bench.open()
    almost = (KEPT_SECONDS - TOUCH_SECONDS) * 1000
    bench.redis.pexpire(KEY, almost + 30_000)
    bench.state()
    assert life_ms(bench) <= almost + 30_000
    bench.redis.pexpire(KEY, almost - 30_000)
    bench.state()
    assert life_ms(bench) > almost + 30_000


def test_a_pause_without_an_end_outlives_the_seven_days_and_one_with_an_end_does_by_seven_days(
    bench: Bench,
) -> None:
    bench.breaker.pause(FINGERPRINT, name="primary_email", by="ops", reason="why", seconds=30 * 86_400)
    assert life_ms(bench) > (KEPT_SECONDS + 29 * 86_400) * 1000
    bench.breaker.pause(FINGERPRINT, name="primary_email", by="ops", reason="why")
    assert life_ms(bench) == -1
    bench.state()
    assert life_ms(bench) == -1
    bench.breaker.resume(FINGERPRINT)
    assert life_ms(bench) > 0


def test_what_vanished_is_no_longer_listed_and_counts_as_well(bench: Bench) -> None:
    bench.open()
    bench.redis.delete(KEY)
    assert bench.state() == "closed"
    assert bench.breaker.servers() == []
    assert bench.redis.keys("notify:breaker*") == []


def test_a_record_is_written_also_where_redis_takes_nothing_more_for_memory(bench: Bench) -> None:
    bench.report(Verdict.SERVER_DOWN)
    bench.redis.config_set("maxmemory-policy", "noeviction")
    bench.redis.config_set("maxmemory", 1)
    try:
        bench.report(Verdict.SERVER_DOWN)
        bench.report(Verdict.SERVER_DOWN, fingerprint="new")
        bench.report(Verdict.SERVER_DOWN)
    finally:
        bench.redis.config_set("maxmemory", 0)
    assert (bench.state(), bench.shown("new").failures) == ("open", 1)


def test_by_default_the_time_is_that_of_redis(any_redis: redis.Redis) -> None:
    breaker = Breaker(any_redis)
    breaker.report("f1", Verdict.MISCONFIGURED, name="primary_email", token="t", began_ms=1)
    seconds, _ = any_redis.time()
    since_ms = breaker.servers()[0].since_ms
    assert since_ms is not None
    assert abs(since_ms - seconds * 1000) < 5_000


def test_installations_on_one_redis_are_apart(any_redis: redis.Redis) -> None:
    one, other = Breaker(any_redis, prefix="one"), Breaker(any_redis, prefix="other")
    one.pause("f1", name="primary_email", by="ops", reason="why")
    assert (one.allows(["f1"])["f1"].state, other.allows(["f1"])["f1"].state) == ("paused", "closed")
    assert other.servers() == []
