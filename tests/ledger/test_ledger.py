"""Each transition by itself, on every Redis we support."""

from __future__ import annotations

from typing import Literal

import pytest
import redis

from tasks.ledger import Claim, Entry, Intent, Ledger, LedgerQueries, LedgerUnavailable, NotClaimed, Results
from tasks.ledger.queries import Record
from tests.rigs.clock import TEST_CLOCK, LedgerClock

MINUTE_MS = 60_000


class Bench:
    """A ledger on a clock that stands still."""

    def __init__(self, client: redis.Redis) -> None:
        self.redis = client
        self.clock = LedgerClock(client)
        self.ledger = Ledger(client, clock=TEST_CLOCK)
        self.queries = LedgerQueries(client)

    def accept(self, notification_id: str = "n1", **changes: object) -> Entry:
        values: dict[str, object] = {
            "id": notification_id,
            "digest": f"digest of {notification_id}",
            "channel": "email",
            "lane": "normal",
            "content": '{"version":1}',
            "recipients": 2,
            "age_limit_ms": 24 * 60 * MINUTE_MS,
        }
        entry = Entry(**{**values, **changes})  # type: ignore[arg-type]
        assert self.ledger.accept(entry, ring=True).status == "accepted"
        return entry

    def claim(self, notification_id: str = "n1") -> Claim:
        claim = self.ledger.claim(notification_id, worker="w1")
        assert isinstance(claim, Claim)
        return claim

    def intend(
        self, claim: Claim, *recipients: int, letter: Literal["u", "x"] = "u", revision: int = 0
    ) -> str:
        intent = Intent(claim.attempts + 1, "f1", "primary_email", recipients, letter, MINUTE_MS)
        return self.ledger.intend(claim, intent, revision=revision)

    def show(self, notification_id: str = "n1") -> Record:
        record = self.queries.get(notification_id)
        assert record is not None
        return record

    def due(self, notification_id: str = "n1", lane: str = "normal") -> float | None:
        return self.queries.due_scores()[lane].get(notification_id)

    def finish(self, claim: Claim, outcomes: dict[int, str], **changes: object) -> str:
        values: dict[str, object] = {"then": "waiting", "reason": "because", "delay_seconds": 15.0}
        values.update(changes)
        results = Results(outcomes=outcomes, entries=[{"verdict": "tried"}])
        status, _ = self.ledger.finish(claim, results=results, **values)  # type: ignore[arg-type]
        return status


@pytest.fixture
def bench(any_redis: redis.Redis) -> Bench:
    return Bench(any_redis)


def test_the_same_id_with_the_same_content_is_accepted_once(bench: Bench) -> None:
    entry = bench.accept()
    again = bench.ledger.accept(entry, ring=True)
    assert (again.status, again.id, again.number) == ("same", "n1", 1)
    assert bench.queries.page().total == 1


def test_the_same_id_with_other_content_is_refused(bench: Bench) -> None:
    bench.accept()
    other = Entry("n1", "another digest", "email", "normal", "{}", 1, MINUTE_MS)
    assert bench.ledger.accept(other, ring=True).status == "conflict"


def test_an_idempotency_key_answers_with_the_first_id_and_refuses_other_content(bench: Bench) -> None:
    bench.accept("n1", key="k", digest="d")
    same = bench.ledger.accept(Entry("n2", "d", "email", "normal", "{}", 1, MINUTE_MS, key="k"), ring=True)
    assert (same.status, same.id) == ("same", "n1")
    other = bench.ledger.accept(Entry("n3", "e", "email", "normal", "{}", 1, MINUTE_MS, key="k"), ring=True)
    assert (other.status, other.id) == ("conflict", "n1")


def test_numbers_rise_by_one_and_find_their_record(bench: Bench) -> None:
    for name in ("a", "b", "c"):
        bench.accept(name)
    found = bench.queries.find("2")
    assert found is not None
    assert found.id == "b"
    assert bench.queries.find("4") is None


def test_tokens_without_a_value_are_said_in_the_timeline(bench: Bench) -> None:
    bench.accept(unknown_tokens=("job", "other"))
    assert [entry["reason"] for entry in bench.show().timeline] == ["no value for [[job]], [[other]]"]


def test_what_expired_before_it_came_is_not_recorded(bench: Bench) -> None:
    entry = Entry("n1", "d", "email", "normal", "{}", 1, MINUTE_MS, expires_ms=bench.clock.now_ms)
    assert bench.ledger.accept(entry, ring=True).status == "expired"
    assert bench.queries.get("n1") is None


def test_many_are_accepted_each_by_itself(bench: Bench) -> None:
    first = bench.accept("a")
    conflict = Entry("a", "other", "email", "normal", "{}", 1, MINUTE_MS)
    fresh = Entry("b", "digest", "email", "normal", "{}", 1, MINUTE_MS)
    answers = bench.ledger.accept_many([first, conflict, fresh], ring=True)
    assert [answer.status for answer in answers] == ["same", "conflict", "accepted"]


def test_a_bell_not_answered_is_rung_again(bench: Bench) -> None:
    bench.accept()
    assert bench.ledger.sweep("normal", room=10).ring == ()
    bench.clock.advance(31)
    assert bench.ledger.sweep("normal", room=10).ring == (("n1", 0),)
    assert bench.ledger.sweep("normal", room=10).ring == ()


def test_without_room_in_the_queue_nothing_is_rung(bench: Bench) -> None:
    bench.accept()
    bench.clock.advance(31)
    assert bench.ledger.sweep("normal", room=0).ring == ()
    assert bench.ledger.sweep("normal", room=1).ring == (("n1", 0),)


def test_not_before_waits_and_no_stray_message_starts_it_early(bench: Bench) -> None:
    bench.accept(not_before_ms=bench.clock.now_ms + MINUTE_MS)
    assert bench.show().state == "waiting"
    assert bench.ledger.claim("n1", worker="w1") == NotClaimed("waiting")
    bench.clock.advance(60)
    assert bench.ledger.sweep("normal", room=10).ring == (("n1", 0),)
    assert bench.claim().number == 1


def test_a_claim_is_exclusive_until_its_lease_is_over(bench: Bench) -> None:
    bench.accept()
    first = bench.claim()
    assert bench.ledger.claim("n1", worker="w2") == NotClaimed("sending")
    bench.clock.advance(29)
    assert bench.ledger.renew(first) == pytest.approx(30)
    bench.clock.advance(29)
    assert bench.ledger.claim("n1", worker="w2") == NotClaimed("sending")
    bench.clock.advance(2)
    assert bench.claim().lapses == 1
    assert bench.ledger.renew(first) == 0


def test_no_lease_is_renewed_past_the_longest_claim(bench: Bench) -> None:
    bench.accept()
    claim = bench.claim()
    for _ in range(35):
        bench.clock.advance(25)
        assert bench.ledger.renew(claim) > 0
    bench.clock.advance(25)
    assert bench.ledger.renew(claim) == 0


def test_delivered_to_everybody_is_final_and_out_of_the_due_set(bench: Bench) -> None:
    bench.accept()
    claim = bench.claim()
    assert bench.intend(claim, 0, 1) == "granted"
    bench.finish(claim, {0: "d", 1: "d"})
    record = bench.show()
    assert (record.state, record.outcomes) == ("delivered", ("delivered", "delivered"))
    assert record.finished_at_ms == bench.clock.now_ms
    assert bench.due() is None


@pytest.mark.parametrize(
    "outcomes, then, state",
    [
        ({0: "d", 1: "r"}, "waiting", "partial"),
        ({0: "r", 1: "r"}, "waiting", "failed"),
        ({0: "d", 1: "x"}, "waiting", "uncertain"),
        ({0: "r", 1: "x"}, "waiting", "uncertain"),
        ({0: "d"}, "waiting", "waiting"),
        ({0: "d"}, "failed", "partial"),
        ({0: "u", 1: "d"}, "waiting", "waiting"),
        ({0: "u", 1: "d"}, "failed", "uncertain"),
        ({}, "queued", "queued"),
        ({}, "held", "held"),
        ({}, "failed", "failed"),
    ],
)
def test_the_state_after_a_pass_follows_from_the_outcomes(
    bench: Bench, outcomes: dict[int, str], then: str, state: str
) -> None:
    bench.accept()
    bench.finish(bench.claim(), outcomes, then=then)
    assert bench.show().state == state


def test_a_lost_reply_to_finish_may_be_asked_again(bench: Bench) -> None:
    bench.accept()
    claim = bench.claim()
    assert bench.finish(claim, {0: "d"}) == "finished"
    assert bench.finish(claim, {0: "d"}) == "finished"
    assert len(bench.show().timeline) == 1
    assert bench.show().passes == 1


def test_a_pass_that_could_try_nobody_is_no_pass(bench: Bench) -> None:
    bench.accept()
    bench.finish(bench.claim(), {}, counts_as_pass=False)
    assert bench.show().passes == 0


def test_no_intent_is_granted_to_a_stale_token(bench: Bench) -> None:
    bench.accept()
    stale = bench.claim()
    bench.clock.advance(31)
    bench.claim()
    assert bench.intend(stale, 0) == "stale"


def test_no_intent_is_granted_when_the_options_are_newer(bench: Bench) -> None:
    bench.accept()
    claim = bench.claim()
    bench.redis.hset("notify:settings", "revision", 1)
    assert bench.intend(claim, 0) == "changed"
    assert bench.intend(claim, 0, revision=1) == "granted"


def test_no_intent_is_granted_after_cancel_or_expiry(bench: Bench) -> None:
    bench.accept()
    claim = bench.claim()
    assert bench.ledger.cancel("n1", by="ops") == ("asked", "sending")
    assert bench.intend(claim, 0) == "cancelled"
    bench.finish(claim, {})
    assert bench.show().state == "cancelled"
    bench.accept("n2", expires_ms=bench.clock.now_ms + 10_000)
    second = bench.claim("n2")
    bench.clock.advance(11)
    assert bench.intend(second, 0) == "expired"


def test_no_intent_is_granted_for_a_recipient_who_got_it_meanwhile(bench: Bench) -> None:
    bench.accept()
    late = bench.claim()
    assert bench.intend(late, 0) == "granted"
    bench.clock.advance(31)
    bench.ledger.sweep("normal", room=10)
    bench.clock.advance(61)
    bench.ledger.sweep("normal", room=10)
    claim = bench.claim()
    bench.finish(late, {0: "d"})
    assert bench.intend(claim, 0) == "settled"
    assert bench.intend(claim, 1) == "granted"


def test_a_lease_over_with_an_intent_open_is_uncertain_and_waits(bench: Bench) -> None:
    bench.accept()
    claim = bench.claim()
    bench.intend(claim, 0, 1)
    bench.clock.advance(31)
    bench.ledger.sweep("normal", room=10)
    record = bench.show()
    assert (record.state, record.outcomes) == ("waiting", ("uncertain", "uncertain"))
    assert record.next_at_ms == bench.clock.now_ms + MINUTE_MS
    assert [entry["verdict"] for entry in record.timeline] == ["uncertain"]
    bench.clock.advance(61)
    bench.ledger.sweep("normal", room=10)
    again = bench.claim()
    assert (again.unsure_server, again.outcomes) == ("f1", "uu")


def test_a_lease_over_with_a_last_intent_open_is_uncertain_for_good(bench: Bench) -> None:
    bench.accept()
    bench.intend(bench.claim(), 0, 1, letter="x")
    bench.clock.advance(31)
    assert bench.ledger.sweep("normal", room=10).ended == (("n1", "uncertain"),)


def test_a_lease_over_without_an_intent_runs_again_at_once(bench: Bench) -> None:
    bench.accept()
    bench.claim()
    bench.clock.advance(31)
    assert bench.ledger.sweep("normal", room=10).ring == (("n1", 0),)


def test_three_dead_workers_make_a_poison(bench: Bench) -> None:
    bench.accept()
    for _ in range(3):
        bench.claim()
        bench.clock.advance(31)
        bench.ledger.sweep("normal", room=10)
    record = bench.show()
    assert (record.state, record.lapses) == ("failed", 3)
    assert "poison" in record.reason


def test_a_pass_that_ends_in_order_forgets_the_dead_workers_before_it(bench: Bench) -> None:
    bench.accept()
    for _ in range(4):
        bench.claim()
        bench.clock.advance(31)
        bench.finish(bench.claim(), {}, then="queued")
    assert (bench.show().state, bench.show().lapses) == ("queued", 0)


def test_a_late_250_is_recorded_though_the_claim_is_lost(bench: Bench) -> None:
    bench.accept()
    late = bench.claim()
    bench.intend(late, 0, 1)
    bench.clock.advance(31)
    bench.ledger.sweep("normal", room=10)
    assert bench.finish(late, {0: "d", 1: "d"}) == "stale"
    record = bench.show()
    assert (record.state, record.outcomes) == ("delivered", ("delivered", "delivered"))
    assert bench.due() is None


def test_a_late_250_turns_a_final_uncertain_into_delivered(bench: Bench) -> None:
    bench.accept()
    late = bench.claim()
    bench.intend(late, 0, 1, letter="x")
    bench.clock.advance(31)
    bench.ledger.sweep("normal", room=10)
    bench.finish(late, {0: "d", 1: "d"})
    assert bench.show().state == "delivered"
    assert bench.queries.counts()["delivered"] == 1


@pytest.mark.parametrize("letter", ["r", "u", "x", "o"])
def test_a_late_result_other_than_a_250_changes_nothing(bench: Bench, letter: str) -> None:
    bench.accept()
    late = bench.claim()
    bench.clock.advance(31)
    claim = bench.claim()
    assert bench.finish(late, {0: letter, 1: letter}, then="failed") == "stale"
    assert bench.show().outcomes == ("open", "open")
    bench.finish(claim, {0: "d", 1: "d"})
    bench.finish(late, {0: letter, 1: letter})
    assert bench.show().state == "delivered"


def test_results_in_mid_pass_close_the_intent(bench: Bench) -> None:
    bench.accept()
    claim = bench.claim()
    bench.intend(claim, 0)
    results = Results(outcomes={0: "d"}, entries=[{"verdict": "delivered"}])
    for _ in range(2):
        assert bench.ledger.record(claim, attempt=1, results=results) == "recorded"
    bench.clock.advance(31)
    bench.ledger.sweep("normal", room=10)
    record = bench.show()
    assert (record.state, record.outcomes) == ("queued", ("delivered", "open"))
    assert [entry["verdict"] for entry in record.timeline] == ["delivered", "lease_over"]


def test_held_is_refused_when_the_options_moved_and_released_by_a_newer_revision(bench: Bench) -> None:
    bench.accept()
    claim = bench.claim()
    bench.redis.hset("notify:settings", "revision", 3)
    assert bench.finish(claim, {}, then="held", revision=2) == "moved"
    assert bench.finish(claim, {}, then="held", revision=3) == "finished"
    assert bench.due() == bench.show().expires_at_ms
    assert bench.ledger.release_held(3) == 0
    assert bench.ledger.release_held(4) == 1
    assert bench.ledger.sweep("normal", room=10).ring == (("n1", 1),)


@pytest.mark.parametrize("then", ["held", "waiting", "queued"])
def test_age_runs_on_whatever_it_waits_for(bench: Bench, then: str) -> None:
    bench.accept(age_limit_ms=10 * MINUTE_MS)
    bench.finish(bench.claim(), {0: "d"}, then=then, delay_seconds=3600)
    assert bench.due() == bench.show().expires_at_ms
    bench.clock.advance(600)
    assert bench.ledger.sweep("normal", room=10).ended == (("n1", "partial"),)


def test_expires_ends_earlier_than_the_age_limit(bench: Bench) -> None:
    bench.accept(expires_ms=bench.clock.now_ms + MINUTE_MS)
    bench.clock.advance(60)
    assert bench.ledger.claim("n1", worker="w1") == NotClaimed("expired")


@pytest.mark.parametrize("then", ["held", "waiting", "queued"])
def test_cancel_ends_what_is_not_being_sent(bench: Bench, then: str) -> None:
    bench.accept()
    bench.finish(bench.claim(), {}, then=then)
    assert bench.ledger.cancel("n1", by="ops") == ("cancelled", "cancelled")
    assert bench.ledger.cancel("n1", by="ops") == ("final", "cancelled")
    assert bench.due() is None
    assert bench.ledger.cancel("nobody", by="ops") == ("unknown", "")


def test_what_waits_for_a_server_goes_on_when_that_one_is_back(bench: Bench) -> None:
    waits = {"first": ("f1", "f2"), "second": (), "third": ("f1",), "fourth": ("f2",)}
    for name, servers in waits.items():
        bench.accept(name)
        bench.clock.advance(1)
        bench.finish(bench.claim(name), {}, delay_seconds=3600, waits_for=servers)
    assert bench.ledger.awaited() == {"f1", "f2"}
    assert bench.ledger.recover("f1", limit=1) == 1
    assert bench.ledger.sweep("normal", room=10).ring == (("first", 1),)
    assert bench.ledger.recover("f1", limit=10) == 1
    assert bench.ledger.sweep("normal", room=10).ring == (("third", 1),)
    assert bench.ledger.recover("f1", limit=10) == 0
    assert bench.ledger.awaited() == {"f2"}
    assert (bench.show("second").state, bench.show("fourth").state) == ("waiting", "waiting")
    assert bench.ledger.recover("f2", limit=10) == 1
    assert bench.ledger.awaited() == set()


def test_newer_options_release_what_waits_for_servers_of_the_older_ones(bench: Bench) -> None:
    for name, revision in (("old", 3), ("new", 4)):
        bench.accept(name)
        bench.finish(
            bench.claim(name),
            {},
            delay_seconds=3600,
            waits_for=("f1",),
            counts_as_pass=False,
            revision=revision,
        )
    assert bench.ledger.release_held(5) == 0
    assert bench.ledger.release_waiting(4) == 1
    assert bench.ledger.sweep("normal", room=10).ring == (("old", 0),)
    assert bench.ledger.release_waiting(4) == 0
    assert bench.show("new").state == "waiting"


@pytest.mark.parametrize("end", ["cancel", "expire", "claim"])
def test_what_waits_no_more_is_in_no_list_of_those_that_wait(bench: Bench, end: str) -> None:
    bench.accept()
    bench.finish(bench.claim(), {}, delay_seconds=60, waits_for=("f1", "f2"))
    if end == "cancel":
        bench.ledger.cancel("n1", by="ops")
    else:
        bench.clock.advance(61 if end == "claim" else 25 * 3600)
        bench.ledger.sweep("normal", room=10)
    assert bench.redis.keys("notify:outage*") == ["notify:outages"]
    assert bench.ledger.recover("f1", limit=10) == 0
    assert bench.ledger.release_waiting(9) == 0


def test_a_lease_that_is_over_is_seen_behind_any_backlog_and_without_any_room(bench: Bench) -> None:
    bench.accept("dead")
    bench.claim("dead")
    for number in range(300):
        bench.accept(f"b{number}")
    bench.clock.advance(31)
    assert bench.ledger.sweep("normal", room=0, look=10).ring == ()
    assert bench.show("dead").state == "queued"
    assert bench.show("dead").lapses == 1


def test_a_replay_opens_who_was_refused_and_nobody_who_has_it(bench: Bench) -> None:
    bench.accept()
    bench.finish(bench.claim(), {0: "d", 1: "r"})
    assert bench.ledger.replay("n1", age_limit_ms=MINUTE_MS, by="ops", why="fixed") == ("replayed", "queued")
    record = bench.show()
    assert (record.state, record.outcomes, record.passes) == ("queued", ("delivered", "open"), 0)
    assert record.expires_at_ms == bench.clock.now_ms + MINUTE_MS
    assert record.timeline[-1]["verdict"] == "replayed"
    assert bench.ledger.purge(older_than_seconds=0) == (0, False)
    bench.finish(bench.claim(), {1: "d"})
    assert bench.show().state == "delivered"


def test_a_replay_of_what_may_arrive_twice_or_is_stale_must_be_told_so(bench: Bench) -> None:
    bench.accept("unsure")
    bench.finish(bench.claim("unsure"), {0: "d", 1: "x"})
    bench.accept("old", age_limit_ms=MINUTE_MS)
    bench.clock.advance(60)
    bench.ledger.sweep("normal", room=1)
    for name, state in (("unsure", "uncertain"), ("old", "expired")):
        assert bench.ledger.replay(name, age_limit_ms=1000, by="ops", why="x") == (state, state)
        told = bench.ledger.replay(
            name, age_limit_ms=1000, by="ops", why="x", even_expired=True, even_uncertain=True
        )
        assert told == ("replayed", "queued")


@pytest.mark.parametrize("state", ["queued", "delivered", "cancelled"])
def test_only_a_dead_letter_is_replayed(bench: Bench, state: str) -> None:
    bench.accept()
    if state == "delivered":
        bench.finish(bench.claim(), {0: "d", 1: "d"})
    elif state == "cancelled":
        bench.ledger.cancel("n1", by="ops")
    assert bench.ledger.replay("n1", age_limit_ms=1000, by="ops", why="x") == ("refused", state)
    assert bench.ledger.replay("nobody", age_limit_ms=1000, by="ops", why="x") == ("unknown", "")


def test_a_replay_asked_again_changes_nothing(bench: Bench) -> None:
    bench.accept()
    bench.finish(bench.claim(), {0: "r", 1: "r"})
    for _ in range(2):
        answer = bench.ledger.replay("n1", age_limit_ms=MINUTE_MS, by="ops", why="x", token="t")
        assert answer == ("replayed", "queued")
    assert [entry["verdict"] for entry in bench.show().timeline] == ["tried", "replayed"]


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
