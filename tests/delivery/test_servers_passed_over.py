"""Servers that are open or paused are passed over without a connection, and what waits for them says so."""

from __future__ import annotations

import logging
import threading

import pytest
import redis

from tasks.breaker.breaker import Breaker
from tasks.routing import servers_in_use
from tasks.verdict import Verdict
from tests.rigs.delivery_bench import ID, Bench
from tests.rigs.delivery_servers import MailServer
from tests.rigs.scripted_smtp import Drop

A, B = "a@x.test", "b@x.test"
LEFT_ALONE = "passed over until a test finds it well"


def failures(bench: Bench, count: int, *, first: int = 0) -> None:
    """So many notifications, each of which meets servers that are down."""
    for number in range(first, first + count):
        bench.accept_email(id=f"f{number}")
        bench.deliverer.deliver(f"f{number}")
        bench.clock.advance(0.001)


@pytest.fixture
def three(bench: Bench) -> Bench:
    """Three failures in a row open a breaker."""
    bench.set(delivery__breaker_failures=3)
    return bench


def test_after_three_failures_mail_goes_to_the_secondary_without_knocking_at_the_primary(
    three: Bench, primary: MailServer, secondary: MailServer
) -> None:
    primary.go_down()
    failures(three, 3)
    assert primary.connections == 3
    three.accept_email()
    result = three.deliver()
    assert result.state == "delivered"
    assert result.reason == f"by secondary_email (primary_email: {LEFT_ALONE}: the connection was lost)"
    assert primary.connections == 3
    assert secondary.got == [A] * 4
    assert three.story() == ["primary_email  passed_over", "secondary_email final delivered"]
    assert three.record().passes == 1


def test_how_many_failures_it_takes_is_an_option_that_holds_at_once(
    three: Bench, primary: MailServer, secondary: MailServer
) -> None:
    primary.go_down()
    failures(three, 1)
    three.set(delivery__breaker_failures=2)
    failures(three, 2, first=1)
    assert primary.connections == 2
    assert len(secondary.got) == 3


def test_a_success_in_between_begins_the_count_anew(three: Bench, primary: MailServer) -> None:
    three.use(secondary_email=None)
    for round_number in range(3):
        primary.go_down()
        failures(three, 2, first=10 * round_number)
        primary.come_up()
        three.accept_email(id=f"good{round_number}")
        assert three.deliverer.deliver(f"good{round_number}").state == "delivered"
        three.clock.advance(0.001)


def test_one_wrong_password_is_enough(three: Bench, primary: MailServer, secondary: MailServer) -> None:
    three.sign_in("primary_email")
    primary.answers["AUTH"] = "535 5.7.8 wrong"
    failures(three, 5)
    assert primary.verbs.count("AUTH") == 1
    assert len(secondary.got) == 5


def test_who_can_try_nobody_makes_no_pass_and_waits_for_the_servers(
    three: Bench, primary: MailServer, secondary: MailServer
) -> None:
    primary.go_down()
    secondary.go_down()
    failures(three, 3)
    three.accept_email()
    result = three.deliver()
    assert (result.state, result.wait_seconds) == ("waiting", 15.0)
    assert result.reason == "; ".join(
        f"{name}: {LEFT_ALONE}: the connection was lost" for name in ("primary_email", "secondary_email")
    )
    assert three.record().passes == 0
    assert three.ledger.awaited() == {
        three.fingerprint("primary_email"),
        three.fingerprint("secondary_email"),
    }


def test_it_is_looked_at_less_and_less_often_and_ends_as_expired_with_the_reason(
    three: Bench, primary: MailServer
) -> None:
    primary.go_down()
    failures(three, 3)
    three.accept_email()
    waits = [three.deliver().wait_seconds]
    waits += [three.again().wait_seconds for _ in range(5)]
    assert waits == [15.0, 45.0, 240.0, 600.0, 600.0, 600.0]
    record = three.run_out(passes=200)
    assert (record.state, record.passes) == ("expired", 0)
    assert record.reason == f"expired: primary_email: {LEFT_ALONE}: the connection was lost"
    assert three.story() == ["primary_email  passed_over", "expired"]
    assert primary.connections == 3


def test_it_is_not_looked_at_before_the_server_is_tested(three: Bench, primary: MailServer) -> None:
    three.sign_in("primary_email")
    primary.answers["AUTH"] = "535 5.7.8 wrong"
    failures(three, 1)
    three.accept_email()
    assert three.deliver().wait_seconds == pytest.approx(60.0, abs=0.01)


def test_a_test_that_succeeds_lets_it_go_on(three: Bench, primary: MailServer) -> None:
    primary.go_down()
    failures(three, 3)
    three.accept_email()
    three.deliver()
    primary.come_up()
    texts = len(primary.texts)
    assert three.probe() == "closed"
    assert (primary.verbs[-2:], len(primary.texts)) == (["NOOP", "QUIT"], texts)
    assert three.ledger.recover(three.fingerprint("primary_email"), limit=10) == 1
    assert three.deliver().state == "delivered"
    assert primary.got == [A]


def test_a_test_that_fails_makes_the_next_one_later(three: Bench, primary: MailServer) -> None:
    primary.go_down()
    failures(three, 3)
    fingerprint = three.fingerprint("primary_email")
    waits = []
    for _ in range(6):
        waits.append(three.breaker.allows([fingerprint])[fingerprint].wait_seconds)
        assert three.probe() == "open"
    assert [round(wait) for wait in waits] == [5, 10, 20, 40, 60, 60]


def test_a_test_is_made_once_however_many_workers_would(three: Bench, primary: MailServer) -> None:
    primary.go_down()
    failures(three, 3)
    primary.come_up()
    seen, answers = primary.connections, []
    three.clock.advance(5)
    snapshot = three.store.snapshot()
    (server,) = servers_in_use(snapshot)[:1]
    threads = [
        threading.Thread(target=lambda: answers.append(three.prober.probe(server, snapshot)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == ["closed", "not due", "not due", "not due"]
    assert primary.connections == seen + 1


def test_a_success_that_is_no_news_is_not_told(
    bench: Bench, primary: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Verdict | None] = []
    report = Breaker.report

    def watched(breaker: Breaker, fingerprint: str, verdict: Verdict | None, **more: object) -> object:
        told.append(verdict)
        return report(breaker, fingerprint, verdict, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Breaker, "report", watched)
    bench.accept_text(*(f"r{n}@x.test" for n in range(20)))
    assert bench.deliver().state == "delivered"
    assert told == [None]
    bench.clock.advance(9)
    bench.accept_email(id="n2")
    bench.deliverer.deliver("n2")
    assert told == [None]
    bench.clock.advance(1)
    bench.accept_email(id="n3")
    bench.deliverer.deliver("n3")
    assert told == [None, None]
    assert len(primary.got) == 22


def test_who_opens_and_who_closes_a_breaker_writes_it_down_once(
    three: Bench, primary: MailServer, secondary: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "tasks.breaker")
    primary.go_down()
    failures(three, 5)
    primary.come_up()
    assert three.probe() == "closed"
    assert [record.getMessage() for record in caplog.records if record.name == "tasks.breaker.breaker"] == [
        'server_opened server=primary_email reason="the connection was lost"',
        "server_closed server=primary_email",
    ]
    assert len(secondary.got) == 5


def test_a_move_that_cannot_be_read_for_the_log_costs_no_delivery(
    three: Bench,
    primary: MailServer,
    secondary: MailServer,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def away(*_: object) -> None:
        raise redis.ConnectionError("PLANTED")

    monkeypatch.setattr(three.breaker, "server", away)
    primary.go_down()
    failures(three, 3)
    assert len(secondary.got) == 3
    assert "server_moved fingerprint=" in caplog.text
    assert "PLANTED" not in caplog.text


def test_a_changed_option_makes_another_server_of_which_nothing_bad_is_known(
    three: Bench, primary: MailServer
) -> None:
    three.sign_in("primary_email", "wrong")
    primary.answers["AUTH"] = ["535 5.7.8 wrong"]
    three.accept_email()
    assert three.deliver().state == "waiting"
    assert three.again().state == "waiting"
    three.sign_in("primary_email", "right")
    assert three.ledger.release_waiting(three.store.snapshot().revision) == 1
    assert three.deliver().state == "delivered"
    assert primary.verbs.count("AUTH") == 2


# -- pauses


def test_a_paused_server_is_passed_over_and_the_timeline_and_the_reason_say_so(
    bench: Bench, primary: MailServer, secondary: MailServer
) -> None:
    bench.breaker.pause(
        bench.fingerprint("primary_email"), name="primary_email", by="ops", reason="moving to another rack"
    )
    bench.accept_email()
    result = bench.deliver()
    assert result.reason == "by secondary_email (primary_email: paused: moving to another rack)"
    assert (primary.connections, secondary.got) == (0, [A])
    (paused, _) = bench.timeline()
    assert (paused["server"], paused["verdict"], paused["reason"]) == (
        "primary_email",
        "paused",
        "moving to another rack",
    )


def test_what_waits_for_a_paused_server_goes_on_when_it_is_resumed(bench: Bench, primary: MailServer) -> None:
    fingerprint = bench.fingerprint("primary_email")
    bench.breaker.pause(fingerprint, name="primary_email", by="ops", reason="why")
    bench.accept_email()
    result = bench.deliver()
    assert (result.state, result.wait_seconds) == ("waiting", 60.0)
    assert bench.again().state == "waiting"
    bench.breaker.resume(fingerprint)
    assert bench.breaker.release_allowance(fingerprint, 10) == 10
    assert bench.ledger.recover(fingerprint, limit=10) == 1
    assert bench.deliver().state == "delivered"
    assert primary.got == [A]


# -- the uncertain


def test_the_server_that_may_have_it_counts_as_down_while_it_is_passed_over(
    three: Bench, primary: MailServer, secondary: MailServer
) -> None:
    primary.answers["DOT"] = [Drop()]
    three.accept_email(A)
    assert three.deliver().wait_seconds == 60.0
    primary.go_down()
    failures(three, 3)
    others = len(secondary.got)
    assert three.again().wait_seconds == 300.0
    assert len(secondary.got) == others
    assert three.again().state == "delivered"
    assert secondary.got[others:] == [A]


def test_a_server_whose_sign_in_is_refused_meanwhile_is_not_down(
    three: Bench, primary: MailServer, secondary: MailServer
) -> None:
    primary.answers["DOT"] = [Drop()]
    three.accept_email(A)
    three.deliver()
    primary.answers["MAIL"] = "530 5.7.0 authentication required"
    record = three.run_out(passes=300)
    assert (record.state, secondary.connections) == ("uncertain", 0)
    assert record.finished_at_ms == record.accepted_at_ms + 24 * 3_600_000


def test_a_pause_of_the_server_that_may_have_it_lets_the_others_send_it_after_five_minutes(
    bench: Bench, primary: MailServer, secondary: MailServer
) -> None:
    primary.answers["DOT"] = [Drop()]
    bench.accept_email(A)
    bench.deliver()
    bench.breaker.pause(bench.fingerprint("primary_email"), name="primary_email", by="ops", reason="why")
    assert (bench.again().wait_seconds, secondary.connections) == (300.0, 0)
    assert bench.again().state == "delivered"
    assert (primary.heard, secondary.got) == ([A], [A])


# -- the first sign-in


def test_while_another_worker_makes_the_first_sign_in_it_waits_a_second_and_takes_no_other_server(
    bench: Bench, primary: MailServer, secondary: MailServer
) -> None:
    bench.sign_in("primary_email")
    fingerprint = bench.fingerprint("primary_email")
    assert bench.breaker.may_sign_in(fingerprint, "another worker").allowed
    bench.accept_email(A, B)
    result = bench.deliver()
    assert (result.state, result.wait_seconds) == ("waiting", 1.0)
    assert result.reason == "primary_email: another worker makes the first sign-in"
    assert (bench.record().passes, bench.timeline()) == (0, ())
    assert (primary.connections, secondary.connections) == (0, 0)
    bench.breaker.signed_in(fingerprint, "another worker", ok=True)
    assert bench.again().state == "delivered"
    assert primary.got == [A, B]


def test_where_the_first_sign_in_takes_longer_than_it_may_wait_the_next_server_is_taken(
    bench: Bench, primary: MailServer, secondary: MailServer
) -> None:
    bench.sign_in("primary_email")
    bench.breaker.may_sign_in(bench.fingerprint("primary_email"), "another worker")
    bench.accept_email(A)
    bench.redis.hset(f"notify:n:{ID}", "expires_at", bench.clock.now_ms + 900)
    assert bench.deliver().state == "delivered"
    assert (primary.connections, secondary.got) == (0, [A])


def test_two_workers_with_a_wrong_password_try_it_once(
    bench: Bench, primary: MailServer, secondary: MailServer
) -> None:
    bench.sign_in("primary_email")
    primary.answers["AUTH"] = "535 5.7.8 wrong"
    other = bench.new_deliverer(worker="w2")
    bench.accept_email(id="n2")
    bench.accept_email()
    assert bench.deliver().state == "delivered"
    bench.clock.advance(0.001)
    assert other.deliver("n2").state == "delivered"
    assert primary.verbs.count("AUTH") == 1
    assert secondary.got == [A, A]
