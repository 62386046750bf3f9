"""What follows from each verdict, row by row, with two servers in the chain and with everything refused."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from tests.rigs.certificates import self_signed
from tests.rigs.delivery_bench import ID, Bench
from tests.rigs.delivery_servers import Answer, MailServer, mail_server
from tests.rigs.scripted_smtp import Drop


@dataclass(frozen=True)
class Row:
    """How a server fails, and what the timeline says of it."""

    answers: dict[str, Answer] = field(default_factory=dict)
    stage: str = "greeting"
    verdict: str = "server_down"


DOWN = {
    "hangs up on the greeting": Row({"GREETING": Drop()}),
    "421 on the greeting": Row({"GREETING": "421 4.3.0 closing"}),
    "5xx on the greeting": Row({"GREETING": "554 no service here"}),
    "4xx on the greeting": Row({"GREETING": "450 later"}),
    "hangs up on MAIL": Row({"MAIL": Drop()}, "mail"),
    "421 on MAIL": Row({"MAIL": "421 4.4.2 idle too long"}, "mail"),
    "hangs up on RCPT": Row({"RCPT": Drop()}, "rcpt"),
    "421 on RCPT": Row({"RCPT": "421 4.3.0 closing"}, "rcpt"),
    "hangs up on DATA": Row({"DATA": Drop()}, "data"),
    "421 on DATA": Row({"DATA": "421 4.3.0 closing"}, "data"),
    "421 on the dot": Row({"DOT": "421 4.3.0 closing"}, "final"),
}
MISCONFIGURED = {
    "530 on MAIL": Row({"MAIL": "530 5.7.0 authentication required"}, "mail", "misconfigured"),
    "Exchange without basic authentication": Row(
        {"MAIL": "550 5.7.30 Basic authentication is not supported"}, "mail", "misconfigured"
    ),
    "may not send as": Row({"DOT": "554 5.2.252 SendAsDenied"}, "final", "misconfigured"),
    "relay denied": Row({"RCPT": "550 5.7.1 relaying denied"}, "rcpt", "misconfigured"),
}
WAITS = {
    "4xx on MAIL": Row({"MAIL": "451 4.3.0 trouble"}, "mail", "message_waits"),
    "4xx on DATA": Row({"DATA": "451 4.3.0 trouble"}, "data", "message_waits"),
    "4xx on the dot": Row({"DOT": "452 4.3.1 disk full"}, "final", "message_waits"),
    "4xx on RCPT": Row({"RCPT": "450 4.2.0 box busy"}, "rcpt", "recipient_waits"),
}
REFUSED = {
    "5xx on MAIL": Row({"MAIL": "554 5.6.0 no such mail here"}, "mail", "message_refused"),
    "5xx on DATA": Row({"DATA": "554 5.6.0 not this one"}, "data", "message_refused"),
    "5xx on the dot": Row({"DOT": "554 5.6.0 content"}, "final", "message_refused"),
    "5xx on RCPT": Row({"RCPT": "550 5.1.1 no such user"}, "rcpt", "recipient_refused"),
}
THROTTLED = {
    "432 on MAIL": Row({"MAIL": "432 4.3.2 Concurrent connections limit exceeded"}, "mail", "throttled"),
    "server busy on the dot": Row({"DOT": "451 4.7.500 Server busy"}, "final", "throttled"),
    "quota with a 5xx": Row({"DOT": "554 5.2.0 SubmissionQuotaExceeded"}, "final", "throttled"),
}
TRANSIENT = {**DOWN, **WAITS}
EVERY = {**TRANSIENT, **MISCONFIGURED, **REFUSED, **THROTTLED}


def rows(table: dict[str, Row]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("row", table.values(), ids=table.keys())


def test_a_server_that_takes_it_ends_the_walk(
    bench: Bench, primary: MailServer, secondary: MailServer
) -> None:
    bench.accept_email("a@x.test", "b@x.test")
    result = bench.deliver()
    assert (result.state, result.reason, result.wait_seconds) == ("delivered", "by primary_email", 0.0)
    assert [text.recipients for text in primary.taken] == [("a@x.test", "b@x.test")]
    assert secondary.connections == 0
    assert bench.story() == ["primary_email final delivered"]
    assert bench.record().reason == "by primary_email"


@rows(EVERY)
def test_whatever_the_first_server_does_short_of_silence_the_next_one_is_tried_at_once(
    bench: Bench, primary: MailServer, secondary: MailServer, row: Row
) -> None:
    primary.answers.update(row.answers)
    bench.accept_email()
    result = bench.deliver()
    assert result.state == "delivered"
    assert result.reason.startswith("by secondary_email (primary_email: ")
    assert bench.story() == [f"primary_email {row.stage} {row.verdict}", "secondary_email final delivered"]
    assert (primary.got, secondary.got) == ([], ["a@x.test"])


def test_a_closed_port_sends_it_to_the_next_server(bench: Bench, secondary: MailServer) -> None:
    with mail_server(started=False) as closed:
        bench.use(primary_email=closed)
        bench.accept_email()
        assert bench.deliver().state == "delivered"
        assert bench.story() == ["primary_email connect server_down", "secondary_email final delivered"]
        assert secondary.got == ["a@x.test"]


@rows(TRANSIENT)
def test_what_both_servers_do_not_take_now_waits_for_the_first_gap(
    bench: Bench, primary: MailServer, secondary: MailServer, row: Row
) -> None:
    for server in (primary, secondary):
        server.answers.update(row.answers)
    bench.accept_email()
    bench.draw = 0.0
    result = bench.deliver()
    assert (result.state, result.wait_seconds) == ("waiting", 7.5)
    record = bench.record()
    assert (record.passes, record.next_at_ms) == (1, bench.clock.now_ms + 7_500)
    assert bench.story() == [
        f"{name} {row.stage} {row.verdict}" for name in ("primary_email", "secondary_email")
    ]
    for server in (primary, secondary):
        server.answers.clear()
    assert bench.again().state == "delivered"
    assert (primary.got, secondary.got) == (["a@x.test"], [])


@rows(MISCONFIGURED)
def test_what_an_operator_must_cure_is_not_tried_again_before_a_test(
    bench: Bench, primary: MailServer, secondary: MailServer, row: Row
) -> None:
    for server in (primary, secondary):
        server.answers.update(row.answers)
    bench.accept_email()
    assert bench.deliver().wait_seconds == 15.0
    seen = (primary.connections, secondary.connections)
    result = bench.again()
    assert (result.state, bench.record().passes) == ("waiting", 1)
    assert "primary_email: passed over until a test finds it well: " in result.reason
    assert (primary.connections, secondary.connections) == seen
    for server in (primary, secondary):
        server.answers.clear()
    assert bench.probe() == "closed"
    assert bench.ledger.recover(bench.fingerprint("primary_email"), limit=10) == 1
    assert bench.deliver().state == "delivered"
    assert (primary.got, secondary.got) == (["a@x.test"], [])


@rows(REFUSED)
def test_what_both_servers_refuse_has_failed(
    bench: Bench, primary: MailServer, secondary: MailServer, row: Row
) -> None:
    for server in (primary, secondary):
        server.answers.update(row.answers)
    bench.accept_email()
    result = bench.deliver()
    assert (result.state, result.wait_seconds) == ("failed", 0.0)
    assert bench.outcomes() == "r"
    assert primary.got == secondary.got == []


@rows(REFUSED)
def test_what_one_server_refuses_is_not_offered_to_it_again_and_has_not_failed_while_the_other_is_down(
    bench: Bench, primary: MailServer, secondary: MailServer, row: Row
) -> None:
    primary.answers.update(row.answers)
    secondary.go_down()
    bench.accept_email()
    assert bench.deliver().state == "waiting"
    seen = primary.connections
    assert bench.again().state == "waiting"
    assert primary.connections == seen
    secondary.come_up()
    assert bench.again().state == "delivered"
    assert secondary.got == ["a@x.test"]


@rows(THROTTLED)
def test_what_both_servers_throttle_waits_as_long_as_they_say_and_spends_no_pass(
    bench: Bench, primary: MailServer, secondary: MailServer, row: Row
) -> None:
    for server in (primary, secondary):
        server.answers.update(row.answers)
    bench.accept_email()
    result = bench.deliver()
    assert (result.state, result.wait_seconds) == ("waiting", 60.0)
    assert bench.record().passes == 0


@pytest.mark.parametrize(
    "reply", ["535 5.7.8 wrong", "535 5.7.139 disabled", "534 5.7.9 too weak", "538 5.7.11"]
)
def test_a_refused_sign_in_is_tried_once_a_pass(
    bench: Bench, primary: MailServer, secondary: MailServer, reply: str
) -> None:
    bench.sign_in("primary_email")
    primary.answers["AUTH"] = reply
    bench.accept_email(*(f"r{n}@x.test" for n in range(250)))
    assert bench.deliver().state == "delivered"
    assert primary.verbs.count("AUTH") == 1
    assert len(secondary.got) == 250
    assert bench.story()[0] == "primary_email auth misconfigured"


def test_a_refused_sign_in_is_not_tried_again_by_any_pass_but_by_a_test(
    bench: Bench, primary: MailServer
) -> None:
    bench.sign_in("primary_email")
    primary.answers["AUTH"] = "535 5.7.8 wrong"
    bench.accept_text("a@x.test", "b@x.test", "c@x.test")
    assert bench.deliver().state == "waiting"
    assert primary.verbs.count("AUTH") == 1
    for _ in range(3):
        assert bench.again().state == "waiting"
    assert primary.verbs.count("AUTH") == 1
    assert bench.record().passes == 1
    assert bench.probe() == "open"
    assert primary.verbs.count("AUTH") == 2


def test_a_certificate_that_nobody_vouches_for_is_a_matter_for_an_operator(
    bench: Bench, secondary: MailServer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with mail_server(tls=self_signed(tmp_path_factory.mktemp("tls"))) as stranger:
        bench.use(primary_email=stranger)
        bench.set(primary_email__enable_ssl=True)
        bench.accept_email()
        assert bench.deliver().state == "delivered"
        assert bench.story() == ["primary_email tls misconfigured", "secondary_email final delivered"]
        assert stranger.got == []
        assert secondary.got == ["a@x.test"]


def test_starttls_that_is_not_offered_is_never_done_without(
    bench: Bench, primary: MailServer, secondary: MailServer
) -> None:
    bench.set(primary_email__enable_ssl=True)
    bench.accept_email()
    assert bench.deliver().state == "delivered"
    assert bench.story() == ["primary_email tls misconfigured", "secondary_email final delivered"]
    assert "MAIL" not in primary.verbs
    assert secondary.got == ["a@x.test"]


@pytest.mark.parametrize("answer", ["421 4.4.2 you were idle", Drop(), "530 5.7.0 who are you"])
def test_a_kept_connection_that_turns_out_stale_costs_nothing(
    bench: Bench, primary: MailServer, secondary: MailServer, answer: str | Drop
) -> None:
    bench.accept_email(id="first")
    assert bench.deliverer.deliver("first").state == "delivered"
    primary.answers["MAIL"] = [answer]
    bench.accept_email()
    assert bench.deliver().state == "delivered"
    assert bench.story() == ["primary_email final delivered"]
    assert bench.record().passes == 1
    assert (primary.connections, secondary.connections) == (2, 0)
    assert len(primary.taken) == 2


def test_a_fresh_connection_that_fails_after_a_stale_one_is_the_servers_fault(
    bench: Bench, primary: MailServer, secondary: MailServer
) -> None:
    bench.accept_email(id="first")
    assert bench.deliverer.deliver("first").state == "delivered"
    primary.answers["MAIL"] = Drop()
    bench.accept_email()
    assert bench.deliver().state == "delivered"
    assert bench.story() == ["primary_email mail server_down", "secondary_email final delivered"]
    assert primary.connections == 2
    assert secondary.got == ["a@x.test"]


def test_nothing_is_done_for_a_notification_that_is_not_due_or_not_there(
    bench: Bench, primary: MailServer
) -> None:
    result = bench.deliver()
    assert (result.state, result.ran) == ("unknown", False)
    bench.accept_email()
    assert bench.deliver().state == "delivered"
    result = bench.deliver()
    assert (result.state, result.ran) == ("delivered", False)
    assert primary.got == ["a@x.test"]
    primary.go_down()
    bench.accept_email(id="n2")
    assert bench.deliverer.deliver("n2").state == "waiting"
    result = bench.deliverer.deliver("n2")
    assert (result.state, result.ran) == ("waiting", False)
    assert bench.queries.get(ID) is not None
