"""What the ledger keeps: lists, the age of the queue, what is forgotten, a full Redis, two installations."""

from __future__ import annotations

import pytest
import redis

from tasks.ledger import Entry, Ledger, LedgerQueries, LedgerUnavailable
from tests.rigs.clock import TEST_CLOCK, LedgerClock
from tests.rigs.ledger_bench import MINUTE_MS, Bench


def test_lists_are_by_state_and_time_newest_first(bench: Bench) -> None:
    for name in ("a", "b", "c"):
        bench.accept(name)
        bench.clock.advance(10)
    bench.finish(bench.claim("b"), {0: "d", 1: "d"})
    assert [line.id for line in bench.queries.page(["queued"]).summaries] == ["c", "a"]
    everything = bench.queries.page(limit=2, offset=1)
    assert ([line.id for line in everything.summaries], everything.total) == (["b", "a"], 3)
    since = bench.queries.page(since_ms=bench.clock.now_ms - 25_000)
    assert [line.id for line in since.summaries] == ["c", "b"]


def test_the_age_of_the_queue_counts_from_when_a_worker_could_first_take_it(bench: Bench) -> None:
    start = bench.clock.now_ms
    bench.accept("at once")
    bench.accept("later", not_before_ms=start + 10 * MINUTE_MS)
    bench.accept("urgent", priority="high", lane="high")
    bench.clock.advance(60.0)
    assert bench.queries.queued_since() == {"normal": start, "high": start}
    # A second bell, or a worker that dies over it, is no reason to count anew or from before.
    bench.ledger.sweep("normal", room=10)
    assert bench.queries.queued_since()["normal"] == start
    bench.finish(bench.claim("at once"), {0: "d", 1: "d"})
    bench.finish(bench.claim("urgent"), {}, then="waiting", delay_seconds=3600.0)
    assert bench.queries.queued_since() == {}
    bench.clock.advance(20 * 60.0)
    bench.ledger.sweep("normal", room=10)
    assert bench.queries.queued_since() == {"normal": start + 10 * MINUTE_MS}
    bench.finish(bench.claim("later"), {0: "r", 1: "r"})
    assert bench.queries.queued_since() == {}
    bench.ledger.replay("later", by="test", why="again", age_limit_ms=60 * MINUTE_MS)
    assert bench.queries.queued_since() == {"normal": bench.clock.now_ms}


def test_purge_forgets_finished_records_and_frees_their_keys(bench: Bench) -> None:
    bench.accept("n1", key="k", digest="d")
    bench.accept("open")
    bench.finish(bench.claim(), {0: "d", 1: "d"})
    assert bench.ledger.purge(older_than_seconds=60) == (0, False)
    bench.clock.advance(61)
    assert bench.ledger.purge(older_than_seconds=60) == (1, False)
    assert bench.queries.find("1") is None
    assert bench.queries.page().total == 1
    assert bench.redis.keys("notify:*:n1") == []
    bench.accept("n2", key="k", digest="another")


def test_nothing_is_accepted_when_memory_is_nearly_full_but_finishing_goes_on(bench: Bench) -> None:
    bench.accept()
    claim = bench.claim()
    used = int(bench.redis.info("memory")["used_memory"])
    bench.redis.config_set("maxmemory-policy", "noeviction")
    try:
        bench.redis.config_set("maxmemory", used + used // 10)
        entry = Entry("n2", "d", "email", "normal", "{}", 1, MINUTE_MS)
        with pytest.raises(LedgerUnavailable, match="maxmemory"):
            Ledger(bench.redis, clock=TEST_CLOCK).accept(entry, ring=True)
        bench.redis.config_set("maxmemory", 1)
        assert bench.intend(claim, 0, 1) == "granted"
        assert bench.finish(claim, {0: "d", 1: "d"}) == "finished"
    finally:
        bench.redis.config_set("maxmemory", 0)
    assert bench.show().state == "delivered"


def test_a_full_redis_still_shows_a_record_with_its_timeline_and_what_is_overdue(bench: Bench) -> None:
    bench.accept()
    claim = bench.claim()
    bench.intend(claim, 0, 1)
    bench.finish(claim, {0: "d"})
    before = bench.show()
    bench.redis.config_set("maxmemory-policy", "noeviction")
    bench.redis.script_flush()
    try:
        bench.redis.config_set("maxmemory", 1)
        assert bench.queries.find("1") == before
        assert len(before.timeline) > 0
        assert bench.queries.find("none") is None
        assert bench.queries.overdue(before.accepted_at_ms) == (0, None)
        count, oldest_ms = bench.queries.overdue(2**50)
        assert (count, oldest_ms is not None) == (1, True)
    finally:
        bench.redis.config_set("maxmemory", 0)


def test_two_installations_share_a_redis_by_prefix(bench: Bench) -> None:
    bench.accept()
    LedgerClock(bench.redis, "other")
    other = Ledger(bench.redis, prefix="other", clock=TEST_CLOCK)
    entry = Entry("n1", "different", "email", "normal", "{}", 1, MINUTE_MS)
    assert other.accept(entry, ring=True).status == "accepted"


def test_redis_own_clock_is_used_unless_a_test_says_otherwise(any_redis: redis.Redis) -> None:
    ledger = Ledger(any_redis)
    ledger.accept(Entry("n1", "d", "email", "normal", "{}", 1, MINUTE_MS), ring=True)
    seconds, microseconds = any_redis.time()
    record = LedgerQueries(any_redis).get("n1")
    assert record is not None
    now_ms = int(seconds) * 1000 + int(microseconds) // 1000
    assert 0 <= now_ms - record.accepted_at_ms < 5_000
