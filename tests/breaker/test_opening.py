"""When a breaker opens, and what closes it again."""

from __future__ import annotations

import pytest

from tasks.verdict import Verdict
from tests.rigs.breaker_bench import FINGERPRINT, Bench

DOWN, COMPLETED = Verdict.SERVER_DOWN, Verdict.DELIVERED


def test_a_server_of_which_nothing_is_known_may_be_used(bench: Bench) -> None:
    permission = bench.breaker.allows([FINGERPRINT])[FINGERPRINT]
    assert (permission.allowed, permission.state, permission.reason) == (True, "closed", "")
    assert permission.now_ms == permission.again_at_ms == bench.clock.now_ms
    assert bench.breaker.servers() == []


def test_a_chain_is_answered_for_each_server_and_in_its_order(bench: Bench) -> None:
    bench.open(fingerprint="b")
    permissions = bench.breaker.allows(["a", "b", "a"])
    assert {fingerprint: each.allowed for fingerprint, each in permissions.items()} == {"a": True, "b": False}
    assert list(permissions) == ["a", "b"]
    assert permissions["b"].reason == "the server is not ready"
    assert bench.breaker.allows([]) == {}


@pytest.mark.parametrize("failures", [1, 3, 100])
def test_so_many_failures_in_a_row_open_it_as_the_option_says(bench: Bench, failures: int) -> None:
    states = [bench.report(DOWN, failures_before_open=failures).state for _ in range(failures)]
    assert states == ["closed"] * (failures - 1) + ["open"]


@pytest.mark.parametrize(
    "verdicts, opens",
    [
        ([DOWN, DOWN], False),
        ([DOWN, DOWN, DOWN], True),
        ([DOWN, Verdict.UNCERTAIN, DOWN], True),
        ([Verdict.UNCERTAIN] * 3, True),
        ([Verdict.MISCONFIGURED], True),
        ([DOWN, DOWN, COMPLETED, DOWN, DOWN], False),
        ([DOWN, DOWN, None, DOWN], False),
        ([DOWN, DOWN, Verdict.MESSAGE_REFUSED, DOWN], False),
        ([DOWN, DOWN, Verdict.RECIPIENT_REFUSED, DOWN], False),
        ([Verdict.MESSAGE_REFUSED] * 9, False),
        ([Verdict.MESSAGE_WAITS] * 9, False),
        ([Verdict.RECIPIENT_WAITS] * 9, False),
        ([Verdict.RECIPIENT_REFUSED] * 9, False),
        ([Verdict.TOO_MANY] * 9, False),
    ],
)
def test_a_row_of_attempts_opens_it_or_not(
    bench: Bench, verdicts: list[Verdict | None], *, opens: bool
) -> None:
    for verdict in verdicts:
        bench.report(verdict)
    assert bench.state() == ("open" if opens else "closed")


def test_a_throttled_attempt_neither_counts_nor_interrupts_the_row(bench: Bench) -> None:
    bench.report(DOWN)
    bench.report(DOWN)
    said = bench.breaker.report(
        FINGERPRINT, Verdict.THROTTLED, name="primary_email", token="t", began_ms=bench.clock.now_ms
    )
    assert said is None
    assert bench.report(DOWN).state == "open"


def test_the_attempt_that_opens_or_closes_it_is_told_so_alone(bench: Bench) -> None:
    assert [bench.report(DOWN).moved for _ in range(4)] == [False, False, True, False]
    assert [bench.report(COMPLETED).moved for _ in range(3)] == [True, False, False]


def test_the_same_failure_reported_again_counts_once(bench: Bench) -> None:
    for _ in range(5):
        assert bench.report(DOWN, token="n1:11").state == "closed"
    assert bench.shown().failures == 1
    # A token is a word, not a part of one.
    bench.report(DOWN, token="n1:1")
    assert bench.shown().failures == 2


@pytest.mark.parametrize("verdict", [DOWN, Verdict.MISCONFIGURED])
def test_the_report_that_opened_it_may_be_repeated(bench: Bench, verdict: Verdict) -> None:
    began_ms = bench.clock.now_ms
    first = bench.report(verdict, token="n1:1", failures_before_open=1)
    stored = bench.stored()
    again = bench.report(verdict, token="n1:1", began_ms=began_ms, failures_before_open=1)
    assert (first.moved, again, bench.stored()) == (True, first, stored)


def test_the_report_that_closed_it_may_be_repeated(bench: Bench) -> None:
    bench.open()
    first = bench.report(COMPLETED, token="n9:1")
    stored = bench.stored()
    assert (bench.report(COMPLETED, token="n9:1"), bench.stored()) == (first, stored)
    assert first.moved


def test_failures_that_began_before_it_closed_do_not_count(bench: Bench) -> None:
    before = bench.clock.now_ms
    bench.open()
    assert bench.report(COMPLETED).state == "closed"
    at_closing = bench.clock.now_ms
    bench.clock.advance(20)
    for began_ms in (before, before, before, at_closing, at_closing, at_closing):
        assert bench.report(DOWN, began_ms=began_ms).state == "closed"
    assert bench.report(Verdict.MISCONFIGURED, began_ms=at_closing).state == "closed"
    assert bench.shown().failures == 0
    for _ in range(3):
        bench.report(DOWN, began_ms=at_closing + 1)
    assert bench.state() == "open"


def test_failures_that_come_while_it_is_open_change_nothing_but_the_time_of_the_last(bench: Bench) -> None:
    bench.open()
    before = bench.shown()
    bench.clock.advance(2)
    assert bench.report(DOWN).state == bench.report(Verdict.MISCONFIGURED).state == "open"
    after = bench.shown()
    assert (after.since_ms, after.next_probe_ms) == (before.since_ms, before.next_probe_ms)
    assert after.last_failure_ms == bench.clock.now_ms


def test_a_transaction_that_was_under_way_closes_a_server_that_was_down(bench: Bench) -> None:
    began_ms = bench.clock.now_ms
    bench.open()
    assert bench.report(COMPLETED, began_ms=began_ms).state == "closed"


def test_a_transaction_under_way_says_nothing_of_a_sign_in_that_is_refused_since(bench: Bench) -> None:
    began_ms = bench.clock.now_ms
    bench.clock.advance(1)
    bench.report(Verdict.MISCONFIGURED)
    bench.clock.advance(1)
    assert bench.report(COMPLETED, began_ms=began_ms).state == "open"
    assert bench.shown().reason == "the server is not ready"
    assert bench.report(COMPLETED).state == "closed"


def test_servers_are_apart(bench: Bench) -> None:
    bench.open(fingerprint="a")
    bench.report(DOWN, fingerprint="b")
    assert (bench.state("a"), bench.state("b"), bench.shown("b").failures) == ("open", "closed", 1)
    bench.report(COMPLETED, fingerprint="b")
    assert bench.state("a") == "open"


def test_a_row_of_successes_is_not_written_each_time(bench: Bench) -> None:
    bench.report(COMPLETED)
    stored = bench.stored()
    bench.clock.advance(9)
    bench.report(COMPLETED)
    assert bench.stored() == stored
    bench.clock.advance(1)
    bench.report(COMPLETED)
    assert bench.shown().last_success_ms == bench.clock.now_ms


def test_a_lower_option_holds_from_the_next_failure(bench: Bench) -> None:
    for _ in range(4):
        bench.report(DOWN, failures_before_open=10)
    assert bench.report(DOWN, failures_before_open=2).state == "open"
