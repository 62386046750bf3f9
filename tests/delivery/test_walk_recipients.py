"""Recipients go their own ways: refused here, busy there, too many at once, one text each."""

from __future__ import annotations

import itertools

import pytest

from tests.rigs.delivery_bench import Bench
from tests.rigs.delivery_servers import MailServer, mail_server
from tests.rigs.scripted_smtp import Drop

A, B, C = "a@x.test", "b@x.test", "c@x.test"
UNKNOWN = "550 5.1.1 no such user"
BUSY = "450 4.2.1 box busy"


def test_a_recipient_refused_here_is_asked_about_at_the_next_server_and_the_others_have_it(
    bench: Bench, primary: MailServer, secondary: MailServer
) -> None:
    primary.answers[f"RCPT {B}"] = UNKNOWN
    bench.accept_email(A, B, C)
    assert bench.deliver().state == "delivered"
    assert (primary.got, secondary.got) == ([A, C], [B])
    assert bench.story() == [
        "primary_email rcpt recipient_refused",
        "primary_email final delivered",
        "secondary_email final delivered",
    ]


def test_a_thousand_of_whom_many_are_refused_are_told_of_in_a_few_entries(
    bench: Bench, primary: MailServer
) -> None:
    people = [f"person.{number:04d}@x.test" for number in range(1_000)]
    for number, address in enumerate(people):
        if number % 4 == 1:
            primary.answers[f"RCPT {address}"] = f"550 5.1.1 <{address}>: no such user"
        elif number % 4 == 2:
            primary.answers[f"RCPT {address}"] = f"450 4.2.1 <{address.upper()}>: box busy"
    bench.accept_email(*people)
    assert bench.deliver().state == "waiting"
    assert bench.outcomes() == "drod" * 250
    entries = bench.record().timeline
    assert len(entries) == 30, "ten transactions: those that got it, and two sorts that did not"
    refused = [entry for entry in entries if entry["verdict"] == "recipient_refused"]
    assert [index for entry in refused for index in entry["indexes"]] == list(range(1, 1_000, 4))
    assert {entry["text"] for entry in refused} == {"<recipient>: no such user"}
    assert {entry["text"] for entry in entries if entry["code"] == 450} == {"<recipient>: box busy"}
    assert bench.again().state == "waiting"
    assert bench.outcomes() == "drod" * 250


def test_a_recipient_refused_alone_is_told_of_in_the_servers_own_words(
    bench: Bench, primary: MailServer
) -> None:
    primary.answers[f"RCPT {B}"] = f"550 5.1.1 <{B}>: no such user"
    bench.accept_email(A, B)
    bench.deliver()
    assert [entry["text"] for entry in bench.record().timeline if entry["code"] == 550] == [
        f"<{B}>: no such user"
    ]


def test_a_recipient_is_given_up_only_when_every_server_of_the_chain_refused(
    bench: Bench, primary: MailServer, secondary: MailServer
) -> None:
    primary.answers[f"RCPT {B}"] = UNKNOWN
    secondary.go_down()
    bench.accept_email(A, B)
    assert bench.deliver().state == "waiting"
    assert bench.outcomes() == "do"
    assert bench.again().state == "waiting"
    secondary.come_up()
    secondary.answers["RCPT"] = UNKNOWN
    result = bench.again()
    assert (result.state, result.wait_seconds) == ("partial", 0.0)
    assert bench.outcomes() == "dr"
    assert primary.asked == [A, B]
    assert secondary.asked == [B]


def test_what_a_recipient_was_refused_for_is_remembered_by_server_and_not_by_name(
    bench: Bench, primary: MailServer, secondary: MailServer
) -> None:
    primary.answers[f"RCPT {B}"] = UNKNOWN
    secondary.go_down()
    bench.accept_email(A, B)
    assert bench.deliver().state == "waiting"
    with mail_server() as another:
        bench.use(secondary_email=another)
        assert bench.again().state == "delivered"
        assert another.got == [B]
    assert primary.asked == [A, B]


def test_a_shorter_chain_of_today_decides_over_what_all_of_it_refused(
    bench: Bench, primary: MailServer, secondary: MailServer
) -> None:
    primary.answers[f"RCPT {B}"] = UNKNOWN
    secondary.go_down()
    bench.accept_email(A, B)
    assert bench.deliver().state == "waiting"
    bench.use(secondary_email=None)
    assert bench.again().state == "partial"
    assert primary.asked == [A, B]


def test_everybody_refused_by_every_server_has_failed(
    bench: Bench, primary: MailServer, secondary: MailServer
) -> None:
    primary.answers["RCPT"] = secondary.answers["RCPT"] = UNKNOWN
    bench.accept_email(A, B)
    assert bench.deliver().state == "failed"
    assert bench.outcomes() == "rr"
    assert primary.texts == secondary.texts == []


@pytest.mark.parametrize("offers", [("PIPELINING",), ()], ids=["pipelined", "in steps"])
@pytest.mark.parametrize(
    "answer, state",
    [("451 4.3.0 trouble", "waiting"), (Drop(), "waiting"), ("554 5.6.0 not this one", "failed")],
    ids=["4xx", "hung up", "5xx"],
)
def test_a_refusal_of_one_recipient_is_remembered_where_the_message_then_fails(
    bench: Bench, primary: MailServer, answer: str | Drop, state: str, offers: tuple[str, ...]
) -> None:
    primary.offers = offers
    primary.answers[f"RCPT {B}"] = UNKNOWN
    primary.answers["DATA"] = [answer]
    bench.accept_email(A, B)
    assert bench.deliver().state == state
    assert bench.story()[0] == "primary_email rcpt recipient_refused"
    assert bench.timeline()[0]["indexes"] == [1]
    assert bench.timeline()[1]["indexes"] == [0]
    if state == "waiting":
        assert bench.outcomes() == "or"
        assert bench.again().state == "partial"
        assert primary.asked == [A, B, A]


def test_an_outage_is_never_a_failure_however_many_servers_refused(
    bench: Bench, primary: MailServer, secondary: MailServer
) -> None:
    primary.answers["RCPT"] = UNKNOWN
    secondary.go_down()
    bench.accept_email(A)
    record = bench.run_out()
    assert record.state == "expired"
    assert record.reason.startswith("expired: ")
    assert primary.asked == [A]


def test_a_busy_recipient_goes_to_the_next_server_and_nobody_gets_it_twice(
    bench: Bench, primary: MailServer, secondary: MailServer
) -> None:
    primary.answers[f"RCPT {B}"] = BUSY
    bench.accept_email(A, B)
    assert bench.deliver().state == "delivered"
    assert (primary.got, secondary.got) == ([A], [B])


def test_a_recipient_who_is_busy_everywhere_waits_alone(
    bench: Bench, primary: MailServer, secondary: MailServer
) -> None:
    primary.answers[f"RCPT {B}"] = [BUSY]
    secondary.answers[f"RCPT {B}"] = BUSY
    bench.accept_email(A, B)
    result = bench.deliver()
    assert (result.state, result.wait_seconds) == ("waiting", 15.0)
    assert result.reason == (
        "by primary_email (primary_email: the server cannot take this recipient now; "
        "secondary_email: the server cannot take this recipient now)"
    )
    assert bench.again().state == "delivered"
    assert [text.recipients for text in primary.taken] == [(A,), (B,)]
    assert secondary.got == []


@pytest.mark.parametrize(
    "reply",
    ["452 too many recipients", "552 too many recipients", "452 4.5.3 too many", "552 5.5.3 too many"],
)
def test_those_who_are_too_many_for_one_message_get_another_one_at_once(
    bench: Bench, primary: MailServer, secondary: MailServer, reply: str
) -> None:
    in_this_one = itertools.count()

    def new_message() -> None:
        nonlocal in_this_one
        in_this_one = itertools.count()

    primary.answers["MAIL"] = new_message
    primary.answers["RCPT"] = lambda: reply if next(in_this_one) >= 2 else None
    bench.accept_email(*(f"r{n}@x.test" for n in range(5)))
    result = bench.deliver()
    assert (result.state, result.reason) == ("delivered", "by primary_email")
    assert [len(text.recipients) for text in primary.taken] == [2, 2, 1]
    assert (primary.connections, secondary.connections) == (1, 0)
    assert len({text.raw for text in primary.taken}) == 1


def test_too_many_for_a_server_that_then_fails_go_to_the_next_one(
    bench: Bench, primary: MailServer, secondary: MailServer
) -> None:
    primary.answers[f"RCPT {C}"] = "452 too many recipients"
    primary.answers["MAIL"] = [None, "421 4.3.0 closing", Drop()]
    bench.accept_email(A, B, C)
    assert bench.deliver().state == "delivered"
    assert (primary.got, secondary.got) == ([A, B], [C])


def test_an_email_goes_to_a_hundred_at_a_time_over_one_connection(bench: Bench, primary: MailServer) -> None:
    everybody = [f"r{n}@x.test" for n in range(250)]
    bench.accept_email(*everybody)
    assert bench.deliver().state == "delivered"
    assert [len(text.recipients) for text in primary.taken] == [100, 100, 50]
    assert primary.got == everybody
    assert primary.connections == 1


def test_each_recipient_of_a_text_gets_a_message_of_their_own(bench: Bench, primary: MailServer) -> None:
    bench.accept_text(A, B, C)
    assert bench.deliver().state == "delivered"
    assert [text.recipients for text in primary.taken] == [(A,), (B,), (C,)]
    for text, (mine, *others) in zip(primary.taken, [(A, B, C), (B, A, C), (C, A, B)], strict=True):
        assert mine.encode() in text.raw
        assert not any(other.encode() in text.raw for other in others)


@pytest.mark.parametrize("step", ["MAIL", "DOT"])
def test_a_text_that_is_refused_for_one_says_nothing_of_the_next(
    bench: Bench, primary: MailServer, step: str
) -> None:
    primary.answers[step] = [None, "554 5.6.0 not this one"]
    bench.accept_text(A, B, C)
    assert bench.deliver().state == "partial"
    assert bench.outcomes() == "drd"
    assert primary.got == [A, C]


def test_a_text_that_is_refused_for_one_is_still_offered_to_the_same_server_for_the_others_later(
    bench: Bench, primary: MailServer
) -> None:
    primary.answers[f"DOT {B}"] = "554 5.6.0 not this one"
    primary.answers[f"RCPT {C}"] = [BUSY]
    bench.accept_text(A, B, C)
    assert bench.deliver().state == "waiting"
    assert bench.outcomes() == "dro"
    assert bench.again().state == "partial"
    assert primary.got == [A, C]


def test_a_text_that_waits_for_one_keeps_the_next_at_the_first_server(
    bench: Bench, primary: MailServer, secondary: MailServer
) -> None:
    primary.answers[f"DOT {B}"] = "451 4.3.0 trouble"
    bench.accept_text(A, B, C)
    assert bench.deliver().state == "delivered"
    assert (primary.got, secondary.got) == ([A, C], [B])


def test_an_email_that_is_refused_is_refused_for_those_behind_the_hundredth_too(
    bench: Bench, primary: MailServer, secondary: MailServer
) -> None:
    primary.answers["DOT"] = "554 5.6.0 content"
    bench.accept_email(*(f"r{n}@x.test" for n in range(150)))
    assert bench.deliver().state == "delivered"
    assert len(primary.asked) == 100
    assert len(secondary.got) == 150


def test_a_pass_that_takes_too_long_begins_nothing_new_and_says_so(
    bench: Bench, primary: MailServer, secondary: MailServer
) -> None:
    primary.answers["DOT"] = lambda: bench.clock.advance(100)
    bench.accept_text(*(f"r{n}@x.test" for n in range(5)))
    result = bench.deliver()
    assert (result.state, result.wait_seconds) == ("waiting", 15.0)
    assert result.reason == "by primary_email (the pass took too long to ask for everybody)"
    assert bench.outcomes() == "dddoo"
    assert bench.again().state == "delivered"
    assert primary.got == [f"r{n}@x.test" for n in range(5)]
    assert secondary.connections == 0
