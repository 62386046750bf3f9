"""The tests of an open server: when they are due, who makes them, and what they lead to."""

from __future__ import annotations

from typing import Literal

import pytest

from tasks.verdict import Verdict
from tests.rigs.breaker_bench import FINGERPRINT, Bench

Kind = Literal["down", "misconfigured"]
VERDICT = {"down": Verdict.SERVER_DOWN, "misconfigured": Verdict.MISCONFIGURED}


def open_as(bench: Bench, kind: Kind) -> None:
    bench.clock.advance(0.001)
    for _ in range(3):
        bench.report(VERDICT[kind])


def wait_ms(bench: Bench) -> int:
    """From now until the next test."""
    next_probe_ms = bench.shown().next_probe_ms
    assert next_probe_ms is not None
    return next_probe_ms - bench.clock.now_ms


@pytest.mark.parametrize(
    "kind, waits",
    [
        ("down", [5, 10, 20, 40, 60, 60, 60]),
        ("misconfigured", [60, 120, 240, 480, 600, 600, 600]),
    ],
)
def test_the_waits_between_tests_double_up_to_a_longest(bench: Bench, kind: Kind, waits: list[int]) -> None:
    open_as(bench, kind)
    seen = []
    for _ in waits:
        seen.append(wait_ms(bench) / 1000)
        assert bench.probe(ok=False, misconfigured=kind == "misconfigured") == "open"
    assert seen == waits
    assert bench.shown().failures == len(waits) + (3 if kind == "down" else 1)


def test_another_trouble_begins_its_own_row_of_waits(bench: Bench) -> None:
    open_as(bench, "down")
    bench.probe(ok=False)
    bench.probe(ok=False)
    bench.probe(ok=False, misconfigured=True)
    assert (wait_ms(bench), bench.shown().reason) == (60_000, "still away")


def test_no_test_is_due_before_its_time_nor_for_a_server_that_works(bench: Bench) -> None:
    assert not bench.breaker.take_probe(FINGERPRINT, "p1")
    bench.open()
    bench.clock.advance(4.99)
    assert not bench.breaker.allows([FINGERPRINT])[FINGERPRINT].probe_due
    assert not bench.breaker.take_probe(FINGERPRINT, "p1")
    bench.clock.advance(0.02)
    assert bench.breaker.allows([FINGERPRINT])[FINGERPRINT].probe_due
    assert bench.breaker.take_probe(FINGERPRINT, "p1")


def test_one_worker_has_the_test_and_asks_again_without_harm(bench: Bench) -> None:
    bench.open()
    bench.clock.advance(5)
    assert [bench.breaker.take_probe(FINGERPRINT, token) for token in ("p1", "p2", "p1")] == [
        True,
        False,
        True,
    ]
    permission = bench.breaker.allows([FINGERPRINT])[FINGERPRINT]
    assert (permission.state, permission.allowed, permission.probe_due) == ("half_open", False, False)
    assert permission.wait_seconds == 30


def test_a_worker_that_is_not_heard_of_loses_the_test_to_the_next(bench: Bench) -> None:
    bench.open()
    bench.clock.advance(5)
    assert bench.breaker.take_probe(FINGERPRINT, "dead")
    bench.clock.advance(29.999)
    assert not bench.breaker.take_probe(FINGERPRINT, "p2")
    bench.clock.advance(0.001)
    assert bench.breaker.allows([FINGERPRINT])[FINGERPRINT].probe_due
    assert bench.breaker.take_probe(FINGERPRINT, "p2")
    assert bench.breaker.probed(FINGERPRINT, "dead", ok=True) == "stale"
    assert bench.breaker.probed(FINGERPRINT, "p2", ok=True) == "closed"


def test_a_late_test_that_nobody_took_over_still_counts(bench: Bench) -> None:
    bench.open()
    bench.clock.advance(5)
    assert bench.breaker.take_probe(FINGERPRINT, "slow")
    bench.clock.advance(45)
    assert bench.breaker.probed(FINGERPRINT, "slow", ok=True) == "closed"
    assert bench.state() == "closed"


@pytest.mark.parametrize("ok, answer", [(True, "closed"), (False, "open")])
def test_the_end_of_a_test_may_be_told_twice(bench: Bench, *, ok: bool, answer: str) -> None:
    bench.open()
    bench.clock.advance(5)
    bench.breaker.take_probe(FINGERPRINT, "p1")
    assert bench.breaker.probed(FINGERPRINT, "p1", ok, "still away") == answer
    stored = bench.stored()
    bench.clock.advance(1)
    assert bench.breaker.probed(FINGERPRINT, "p1", ok, "still away") == answer
    assert bench.stored() == stored


def test_a_token_that_was_never_given_a_test_closes_nothing(bench: Bench) -> None:
    bench.open()
    bench.clock.advance(5)
    assert bench.breaker.probed(FINGERPRINT, "forged", ok=True) == "stale"
    bench.breaker.take_probe(FINGERPRINT, "p1")
    assert bench.breaker.probed(FINGERPRINT, "forged", ok=True) == "stale"
    assert bench.state() == "half_open"


def test_a_delivery_that_closes_it_meanwhile_makes_the_test_stale(bench: Bench) -> None:
    bench.open()
    bench.clock.advance(5)
    bench.breaker.take_probe(FINGERPRINT, "p1")
    assert bench.report(Verdict.DELIVERED).state == "closed"
    assert bench.breaker.probed(FINGERPRINT, "p1", ok=False, reason="late") == "stale"
    assert bench.state() == "closed"


def test_a_server_that_passes_each_test_and_fails_each_message_is_left_alone_ever_longer(
    bench: Bench,
) -> None:
    waits = []
    for _ in range(6):
        bench.clock.advance(1)
        bench.report(Verdict.MISCONFIGURED, reason="the server does not let us send as this sender")
        waits.append(wait_ms(bench) // 1000)
        assert bench.probe(ok=True) == "closed"
    assert waits == [60, 120, 240, 480, 600, 600]
    bench.report(Verdict.DELIVERED)
    bench.clock.advance(1)
    bench.report(Verdict.MISCONFIGURED)
    assert wait_ms(bench) == 60_000


def test_closing_forgets_the_failures_and_the_reason(bench: Bench) -> None:
    bench.open()
    bench.probe(ok=True)
    shown = bench.shown()
    assert (shown.state, shown.failures, shown.reason, shown.next_probe_ms) == ("closed", 0, "", None)
    assert shown.since_ms == shown.last_success_ms == bench.clock.now_ms


def test_a_test_that_is_overdue_is_expected_any_moment(bench: Bench) -> None:
    bench.open()
    bench.clock.advance(3600)
    assert bench.breaker.allows([FINGERPRINT])[FINGERPRINT].wait_seconds == 1
