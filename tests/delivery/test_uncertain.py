"""A server fell silent after the final dot: never an immediate fail-over, one resend, the mark kept."""

from __future__ import annotations

import pytest

from tasks.ledger import Claim, Intent
from tests.rigs.delivery_bench import ID, Bench, once
from tests.rigs.delivery_servers import MailServer, mail_server
from tests.rigs.scripted_smtp import Drop

A, B, C = "a@x.test", "b@x.test", "c@x.test"
UNKNOWN = "550 5.1.1 no such user"
BUSY = "450 4.2.1 box busy"
SILENT = Drop()


def test_a_lost_reply_is_followed_by_one_resend_of_the_same_bytes_by_the_same_server(
    bench: Bench, primary: MailServer, secondary: MailServer
) -> None:
    primary.answers["DOT"] = [SILENT]
    bench.draw = 0.0
    bench.accept_email(A, B, html="<p>x</p>", attachments=[{"name": "f.txt", "content_base64": "eHg="}])
    result = bench.deliver()
    assert (result.state, result.wait_seconds) == ("waiting", 60.0)
    assert bench.outcomes() == "uu"
    assert bench.again().state == "delivered"
    assert bench.clock.now_ms == bench.record().accepted_at_ms + 60_000
    assert primary.heard == [A, B, A, B]
    assert primary.got == [A, B]
    assert primary.texts[0].raw == primary.texts[1].raw
    assert secondary.connections == 0
    assert bench.story() == ["primary_email final uncertain", "primary_email final delivered"]


def test_only_the_unconfirmed_get_it_once_more_and_the_others_go_on_at_once(
    bench: Bench, primary: MailServer, secondary: MailServer
) -> None:
    primary.answers["DOT"] = [SILENT]
    primary.answers[f"RCPT {C}"] = BUSY
    bench.accept_email(A, B, C)
    assert bench.deliver().state == "waiting"
    assert bench.outcomes() == "uud"
    assert secondary.got == [C]
    assert bench.again().state == "delivered"
    assert [text.recipients for text in primary.texts] == [(A, B), (A, B)]
    assert secondary.heard == [C]


def test_the_open_ones_keep_the_pace_of_the_schedule_and_the_uncertain_ones_their_minute(
    bench: Bench, primary: MailServer
) -> None:
    primary.answers["DOT"] = [SILENT]
    primary.answers[f"RCPT {B}"] = [BUSY, BUSY]
    bench.draw = 0.0
    bench.accept_email(A, B)
    assert bench.deliver().wait_seconds == 7.5
    assert bench.again().wait_seconds == 22.5
    assert primary.heard == [A]
    assert bench.again().state == "waiting"
    assert primary.heard == [A, B]
    assert bench.again().state == "delivered"
    assert primary.heard == [A, B, A]
    assert bench.clock.now_ms >= bench.record().accepted_at_ms + 60_000


def test_a_second_silence_is_final(bench: Bench, primary: MailServer, secondary: MailServer) -> None:
    primary.answers["DOT"] = SILENT
    bench.accept_email(A)
    assert bench.deliver().state == "waiting"
    result = bench.again()
    assert (result.state, result.wait_seconds) == ("uncertain", 0.0)
    assert bench.outcomes() == "x"
    assert primary.heard == [A, A]
    assert secondary.connections == 0


def test_a_silent_server_is_not_given_further_recipients_in_the_same_pass(
    bench: Bench, primary: MailServer, secondary: MailServer
) -> None:
    primary.answers["DOT"] = [SILENT]
    bench.accept_email(*(f"r{n}@x.test" for n in range(150)))
    assert bench.deliver().state == "waiting"
    assert bench.outcomes() == "u" * 100 + "d" * 50
    assert len(secondary.got) == 50
    assert bench.again().state == "delivered"
    assert len(primary.got) == 100


def test_a_server_that_is_down_for_five_minutes_lets_the_others_send_it_and_the_mark_stays(
    bench: Bench, primary: MailServer, secondary: MailServer
) -> None:
    primary.answers["DOT"] = [SILENT]
    bench.accept_email(A)
    assert bench.deliver().wait_seconds == 60.0
    primary.go_down()
    down_from_ms = bench.clock.now_ms + 60_000
    while bench.again().state == "waiting":
        assert bench.clock.now_ms - down_from_ms < 300_000
        assert secondary.connections == 0
        assert bench.outcomes() == "u"
    assert bench.clock.now_ms - down_from_ms >= 300_000
    assert bench.state() == "delivered"
    assert secondary.got == [A]
    assert secondary.texts[0].raw == primary.texts[0].raw
    story = bench.story()
    assert story[0] == "primary_email final uncertain"
    assert story[-2:] == ["primary_email greeting server_down", "secondary_email final delivered"]


def test_a_server_that_comes_back_within_five_minutes_gets_it_after_all(
    bench: Bench, primary: MailServer, secondary: MailServer
) -> None:
    primary.answers["DOT"] = [SILENT]
    bench.accept_email(A)
    bench.deliver()
    primary.go_down()
    assert bench.again().state == "waiting"
    assert bench.again().state == "waiting"
    primary.come_up()
    assert bench.again().state == "delivered"
    assert (primary.got, secondary.connections) == ([A], 0)


@pytest.mark.parametrize(
    "reply", ["451 4.3.0 trouble", "530 5.7.0 authentication required", "451 4.7.1 retry after 600 seconds"]
)
def test_a_server_that_answers_is_not_down_however_long_it_does_not_take_it(
    bench: Bench, primary: MailServer, secondary: MailServer, reply: str
) -> None:
    primary.answers["DOT"] = [SILENT]
    bench.accept_email(A)
    bench.deliver()
    primary.answers["MAIL"] = reply
    record = bench.run_out(passes=200)
    assert record.state == "uncertain"
    assert record.finished_at_ms == record.accepted_at_ms + 24 * 3_600_000
    assert secondary.connections == 0


def test_the_five_minutes_begin_anew_when_the_server_answered_in_between(
    bench: Bench, primary: MailServer, secondary: MailServer
) -> None:
    primary.answers["DOT"] = [SILENT]
    bench.accept_email(A)
    bench.deliver()
    primary.answers["GREETING"] = [SILENT, "220 here", SILENT, "220 here", SILENT, "220 here"]
    primary.answers["MAIL"] = BUSY
    for _ in range(6):
        assert bench.again().state == "waiting"
    assert secondary.connections == 0


def test_an_email_is_left_to_a_person_at_once_where_the_options_say_so(
    bench: Bench, primary: MailServer, secondary: MailServer
) -> None:
    bench.set(delivery__resend_uncertain_email=False)
    primary.answers["DOT"] = [SILENT]
    bench.accept_email(A)
    assert bench.deliver().state == "uncertain"
    assert (primary.heard, secondary.connections) == ([A], 0)


def test_how_long_the_same_server_is_waited_for_is_an_option(
    bench: Bench, primary: MailServer, secondary: MailServer
) -> None:
    primary.answers["DOT"] = [SILENT]
    bench.accept_email(A)
    bench.deliver()
    bench.breaker.pause(bench.fingerprint("primary_email"), name="primary_email", by="ops", reason="why")
    assert (bench.again().wait_seconds, secondary.connections) == (300.0, 0)
    bench.set(delivery__uncertain_fail_over_minutes=30)
    assert bench.again().wait_seconds == 1500.0
    assert bench.again().state == "delivered"
    assert secondary.got == [A]


def test_a_text_is_final_at_once(bench: Bench, primary: MailServer, secondary: MailServer) -> None:
    primary.answers[f"DOT {A}"] = SILENT
    bench.accept_text(A, B)
    assert bench.deliver().state == "uncertain"
    assert bench.outcomes() == "xd"
    assert primary.heard == [A]
    assert secondary.heard == [B]


def test_a_text_is_sent_once_more_where_the_options_say_so(
    bench: Bench, primary: MailServer, secondary: MailServer
) -> None:
    bench.set(delivery__resend_uncertain_text=True)
    primary.answers["DOT"] = [SILENT]
    bench.accept_text(A)
    assert bench.deliver().wait_seconds == 60.0
    assert bench.again().state == "delivered"
    assert primary.heard == [A, A]
    assert primary.texts[0].raw == primary.texts[1].raw
    assert secondary.connections == 0


def test_a_text_that_is_met_with_silence_twice_is_final(bench: Bench, primary: MailServer) -> None:
    bench.set(delivery__resend_uncertain_text=True)
    primary.answers["DOT"] = SILENT
    bench.accept_text(A)
    assert bench.deliver().state == "waiting"
    assert bench.again().state == "uncertain"
    assert primary.heard == [A, A]


def test_a_text_is_not_sent_once_more_after_the_option_was_taken_back(
    bench: Bench, primary: MailServer
) -> None:
    bench.set(delivery__resend_uncertain_text=True)
    primary.answers["DOT"] = [SILENT]
    bench.accept_text(A)
    assert bench.deliver().state == "waiting"
    bench.set(delivery__resend_uncertain_text=False)
    assert bench.again().state == "uncertain"
    assert primary.heard == [A]


@pytest.mark.parametrize(
    "step, reply",
    [("RCPT", UNKNOWN), ("MAIL", "554 5.6.0 no"), ("DATA", "554 5.6.0 no"), ("DOT", "554 no")],
)
def test_a_refusal_of_the_resend_says_nothing_of_the_first_copy(
    bench: Bench, primary: MailServer, secondary: MailServer, step: str, reply: str
) -> None:
    primary.answers["DOT"] = [SILENT]
    bench.accept_email(A)
    assert bench.deliver().state == "waiting"
    primary.answers[step] = reply
    assert bench.again().state == "uncertain"
    assert bench.outcomes() == "x"
    assert secondary.connections == 0


def test_a_server_that_refuses_the_message_for_others_leaves_the_uncertain_to_their_resend(
    bench: Bench, primary: MailServer, secondary: MailServer
) -> None:
    primary.answers["DOT"] = [SILENT]
    primary.answers[f"RCPT {B}"] = BUSY
    secondary.answers["DOT"] = "554 5.6.0 content"
    bench.accept_email(A, B)
    assert bench.deliver().state == "waiting"
    assert bench.outcomes() == "uo"
    primary.answers.clear()
    assert bench.again().state == "waiting"
    assert primary.got == [B]
    assert bench.again().state == "delivered"
    assert primary.got == [B, A]
    assert secondary.got == []


def test_a_server_that_refused_the_message_meanwhile_is_not_asked_to_take_it_once_more(
    bench: Bench, primary: MailServer
) -> None:
    primary.answers["DOT"] = [SILENT, "554 5.6.0 content"]
    primary.answers[f"RCPT {B}"] = [BUSY]
    bench.accept_email(A, B)
    assert bench.deliver().state == "waiting"
    assert bench.again().state == "waiting"
    assert bench.outcomes() == "ur"
    assert bench.again().state == "uncertain"
    assert primary.heard == [A, B]


def test_each_uncertain_recipient_is_sent_to_by_the_server_that_may_have_theirs(
    bench: Bench, primary: MailServer, secondary: MailServer
) -> None:
    primary.answers["DOT"] = [SILENT]
    primary.answers[f"RCPT {B}"] = BUSY
    secondary.answers["DOT"] = [SILENT]
    bench.accept_email(A, B)
    assert bench.deliver().wait_seconds == 60.0
    assert bench.outcomes() == "uu"
    primary.answers.pop(f"RCPT {B}")
    assert bench.again().state == "delivered"
    assert (primary.heard, secondary.heard) == ([A, A], [B, B])


def test_a_route_made_anew_in_the_same_pass_does_not_resend_at_once(
    bench: Bench, primary: MailServer, secondary: MailServer
) -> None:
    primary.answers["DOT"] = [SILENT]
    primary.answers[f"RCPT {B}"] = BUSY
    secondary.answers["DATA"] = once(lambda: bench.set(text__labels=False))
    bench.accept_email(A, B)
    assert bench.deliver().wait_seconds == 60.0
    assert bench.outcomes() == "ud"
    assert (primary.heard, secondary.heard) == ([A], [B])


def test_a_server_that_left_the_chain_counts_as_down_and_the_others_wait_their_five_minutes(
    bench: Bench, primary: MailServer
) -> None:
    primary.answers["DOT"] = [SILENT]
    bench.accept_email(A)
    assert bench.deliver().state == "waiting"
    with mail_server() as another:
        bench.use(primary_email=another)
        assert (bench.again().state, another.connections) == ("waiting", 0)
        assert bench.again().state == "delivered"
        assert another.got == [A]
    assert bench.clock.now_ms == bench.record().accepted_at_ms + 360_000
    assert bench.story() == ["primary_email final uncertain", "primary_email final delivered"]


def test_a_worker_that_died_waiting_for_the_reply_is_followed_by_a_resend_of_the_same_server(
    bench: Bench, primary: MailServer, secondary: MailServer
) -> None:
    bench.accept_email(A, B)
    bench.use(primary_email=secondary, secondary_email=primary)
    claim = bench.ledger.claim(ID, worker="dead")
    assert isinstance(claim, Claim)
    intent = Intent(1, bench.fingerprint("secondary_email"), "secondary_email", (0, 1), "u", 60_000)
    assert bench.ledger.intend(claim, intent, revision=claim.revision) == "granted"
    bench.wait()
    assert bench.state() == "waiting"
    assert bench.outcomes() == "uu"
    bench.wait()
    assert bench.deliver().state == "delivered"
    assert (primary.got, secondary.connections) == ([A, B], 0)
