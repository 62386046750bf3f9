"""A pause by an operator, which wins over everything."""

from __future__ import annotations

import pytest

from tasks.breaker import InvalidPause
from tasks.verdict import Verdict
from tests.rigs.breaker_bench import FINGERPRINT, Bench


def pause(bench: Bench, seconds: float | None = None) -> None:
    bench.breaker.pause(FINGERPRINT, name="primary_email", by="ops", reason="new firewall", seconds=seconds)


def test_a_paused_server_is_not_used_until_it_is_resumed(bench: Bench) -> None:
    pause(bench)
    bench.clock.advance(30 * 86_400)
    permission = bench.breaker.allows([FINGERPRINT])[FINGERPRINT]
    assert (permission.allowed, permission.state, permission.reason) == (False, "paused", "new firewall")
    assert permission.wait_seconds == 60
    bench.breaker.resume(FINGERPRINT)
    assert bench.state() == "closed"


def test_a_pause_with_a_time_ends_by_itself(bench: Bench) -> None:
    pause(bench, 600)
    assert bench.breaker.allows([FINGERPRINT])[FINGERPRINT].wait_seconds == 600
    bench.clock.advance(599.999)
    assert bench.state() == "paused"
    bench.clock.advance(0.001)
    assert bench.state() == "closed"
    assert bench.shown().paused_by == ""


def test_the_operator_sees_who_paused_it_why_since_when_and_until_when(bench: Bench) -> None:
    began_ms = bench.clock.now_ms
    pause(bench, 600)
    bench.clock.advance(5)
    shown = bench.shown()
    assert (shown.name, shown.state, shown.reason) == ("primary_email", "paused", "new firewall")
    assert (shown.paused_by, shown.since_ms, shown.paused_until_ms) == ("ops", began_ms, began_ms + 600_000)


def test_a_second_pause_replaces_the_first_and_keeps_its_beginning(bench: Bench) -> None:
    began_ms = bench.clock.now_ms
    pause(bench, 600)
    bench.clock.advance(5)
    bench.breaker.pause(FINGERPRINT, name="primary_email", by="second", reason="longer")
    shown = bench.shown()
    assert (shown.since_ms, shown.paused_until_ms, shown.paused_by) == (began_ms, None, "second")


def test_neither_success_nor_failure_ends_a_pause(bench: Bench) -> None:
    pause(bench)
    bench.clock.advance(1)
    for verdict in (Verdict.DELIVERED, Verdict.SERVER_DOWN, Verdict.MISCONFIGURED, Verdict.DELIVERED):
        assert bench.report(verdict).state == "paused"


def test_no_test_is_made_while_it_is_paused(bench: Bench) -> None:
    bench.open()
    pause(bench)
    bench.clock.advance(3600)
    assert not bench.breaker.allows([FINGERPRINT])[FINGERPRINT].probe_due
    assert not bench.breaker.take_probe(FINGERPRINT, "p1")


def test_a_test_under_way_ends_behind_the_pause(bench: Bench) -> None:
    bench.open()
    bench.clock.advance(5)
    bench.breaker.take_probe(FINGERPRINT, "p1")
    pause(bench)
    assert bench.breaker.probed(FINGERPRINT, "p1", ok=True) == "closed"
    assert bench.state() == "paused"
    assert bench.breaker.release_allowance(FINGERPRINT, 5) == 0
    bench.breaker.resume(FINGERPRINT)
    assert bench.state() == "closed"


def test_a_pause_over_an_open_server_leaves_it_open_and_resuming_has_it_tested_at_once(bench: Bench) -> None:
    bench.open(Verdict.MISCONFIGURED)
    pause(bench)
    bench.breaker.resume(FINGERPRINT)
    permission = bench.breaker.allows([FINGERPRINT])[FINGERPRINT]
    assert (permission.state, permission.probe_due) == ("open", True)


def test_resuming_an_open_server_that_is_not_paused_brings_its_test_forward(bench: Bench) -> None:
    bench.open(Verdict.MISCONFIGURED)
    assert not bench.breaker.take_probe(FINGERPRINT, "p1")
    bench.breaker.resume(FINGERPRINT)
    assert bench.breaker.take_probe(FINGERPRINT, "p1")


def test_resuming_what_nobody_paused_leaves_no_trace(bench: Bench) -> None:
    bench.breaker.resume(FINGERPRINT)
    assert bench.breaker.servers() == []


def test_failures_that_began_before_the_pause_or_during_it_do_not_count_after_it(bench: Bench) -> None:
    before_ms = bench.clock.now_ms
    bench.clock.advance(1)
    pause(bench, 10)
    during_ms = bench.clock.now_ms + 5_000
    bench.clock.advance(20)
    for began_ms in (before_ms, during_ms) * 2:
        bench.report(Verdict.SERVER_DOWN, began_ms=began_ms)
    assert bench.shown().failures == 0
    assert bench.report(Verdict.MISCONFIGURED).state == "open"


def test_failures_that_began_before_it_was_resumed_do_not_count_after_it(bench: Bench) -> None:
    pause(bench)
    bench.clock.advance(5)
    bench.breaker.resume(FINGERPRINT)
    resumed_ms = bench.clock.now_ms
    bench.clock.advance(5)
    assert bench.report(Verdict.MISCONFIGURED, began_ms=resumed_ms).state == "closed"
    assert bench.report(Verdict.MISCONFIGURED, began_ms=resumed_ms + 1).state == "open"


def test_a_pause_with_a_time_that_is_over_is_no_more_in_the_way_of_a_test(bench: Bench) -> None:
    bench.open()
    pause(bench, 10)
    bench.clock.advance(10)
    assert bench.breaker.take_probe(FINGERPRINT, "p1")


@pytest.mark.parametrize(
    "by, reason, seconds, fault",
    [
        ("ops", " ", None, "reason: is blank"),
        ("", "why", None, "by: is blank"),
        ("ops", "why", 0.0, "seconds: is not above 0"),
        ("ops", "why", -1.0, "seconds: is not above 0"),
    ],
)
def test_a_pause_needs_an_author_a_reason_and_a_time_to_come(
    bench: Bench, by: str, reason: str, seconds: float | None, fault: str
) -> None:
    with pytest.raises(InvalidPause, match=f"^{fault}; allowed: "):
        bench.breaker.pause(FINGERPRINT, name="primary_email", by=by, reason=reason, seconds=seconds)
    assert bench.state() == "closed"


def test_words_are_kept_to_one_short_line(bench: Bench) -> None:
    bench.breaker.pause(FINGERPRINT, name="primary_email", by="ops", reason="two\nlines " + "x" * 500)
    reason = bench.shown().reason
    assert reason.startswith("two lines xxx")
    assert len(reason) == 200
