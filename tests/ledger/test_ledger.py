"""Claims, intents and ends: each transition by itself, on every Redis we support."""

from __future__ import annotations

import pytest

from tasks.ledger import NotClaimed, Results
from tests.rigs.ledger_bench import MINUTE_MS, Bench


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
