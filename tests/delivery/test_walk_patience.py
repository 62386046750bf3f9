"""Servers that ask for patience: short waits are waited for, long ones are not, and none spends a pass."""

from __future__ import annotations

import pytest

from tests.rigs.delivery_bench import Bench
from tests.rigs.delivery_servers import MailServer
from tests.rigs.scripted_smtp import Drop

A, B = "a@x.test", "b@x.test"
SHORT = "451 4.7.1 too fast, retry after 20 seconds"
LONG = "451 4.7.1 too fast, retry after 600 seconds"


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA", "DOT"])
def test_a_short_wait_is_waited_for_to_the_second_without_a_pass_and_without_the_next_server(
    bench: Bench, primary: MailServer, secondary: MailServer, step: str
) -> None:
    primary.answers[step] = [SHORT]
    bench.draw = 0.0
    bench.accept_email()
    result = bench.deliver()
    assert (result.state, result.wait_seconds) == ("waiting", 20.0)
    assert result.reason == "primary_email: the server asks to come back later"
    assert bench.record().passes == 0
    assert bench.again().state == "delivered"
    assert (primary.got, secondary.connections) == ([A], 0)


def test_thirty_seconds_are_waited_for_and_thirty_one_are_not(
    bench: Bench, primary: MailServer, secondary: MailServer
) -> None:
    primary.answers["DOT"] = ["451 4.7.1 retry after 30 seconds", "451 4.7.1 retry after 31 seconds"]
    bench.accept_email()
    assert bench.deliver().wait_seconds == 30.0
    assert secondary.connections == 0
    assert bench.again().state == "delivered"
    assert secondary.got == [A]


def test_a_server_that_asks_for_short_waits_without_end_does_not_keep_the_next_one_from_it(
    bench: Bench, primary: MailServer, secondary: MailServer
) -> None:
    primary.answers["DOT"] = SHORT
    bench.accept_email()
    assert [bench.deliver().wait_seconds, bench.again().wait_seconds, bench.again().wait_seconds] == [
        20.0
    ] * 3
    assert bench.again().state == "delivered"
    assert secondary.got == [A]
    assert bench.record().passes == 1


def test_the_only_server_may_ask_for_short_waits_until_the_age_limit_and_no_pass_is_spent(
    bench: Bench, primary: MailServer
) -> None:
    primary.answers["DOT"] = [SHORT] * 50
    bench.accept_email()
    assert bench.deliver().wait_seconds == 20.0
    assert {bench.again().wait_seconds for _ in range(49)} == {20.0}
    assert bench.record().passes == 0
    assert bench.again().state == "delivered"
    assert bench.clock.now_ms == bench.record().accepted_at_ms + 50 * 20_000


def test_a_long_wait_sends_it_to_the_next_server_at_once(
    bench: Bench, primary: MailServer, secondary: MailServer
) -> None:
    primary.answers["DOT"] = LONG
    bench.accept_email()
    assert bench.deliver().state == "delivered"
    assert secondary.got == [A]
    assert bench.story() == ["primary_email final throttled", "secondary_email final delivered"]


def test_a_server_that_asked_for_a_long_wait_is_left_alone_until_its_time(
    bench: Bench, primary: MailServer, secondary: MailServer
) -> None:
    primary.answers["DOT"] = LONG
    secondary.go_down()
    bench.accept_email()
    result = bench.deliver()
    assert (result.state, result.wait_seconds) == ("waiting", 15.0)
    asked = len(primary.commands)
    for wait in (45.0, 240.0):
        result = bench.again()
        assert result.wait_seconds == wait
        assert result.reason.startswith("primary_email: the server asked for patience; secondary_email: ")
    assert len(primary.commands) == asked
    assert bench.again().wait_seconds == 600.0
    assert len(primary.commands) == asked
    primary.answers.clear()
    assert bench.again().state == "delivered"
    assert primary.got == [A]


def test_where_the_other_server_refused_for_good_the_named_time_is_slept_through(
    bench: Bench, primary: MailServer, secondary: MailServer
) -> None:
    primary.answers["DOT"] = [LONG]
    secondary.answers["RCPT"] = "550 5.1.1 no such user"
    bench.accept_email()
    assert bench.deliver().wait_seconds == 600.0
    assert bench.again().state == "delivered"
    assert secondary.asked == [A]


def test_where_all_ask_for_patience_the_first_to_be_ready_is_tried_first_and_no_pass_is_spent(
    bench: Bench, primary: MailServer, secondary: MailServer
) -> None:
    primary.answers["DOT"] = [LONG]
    secondary.answers["DOT"] = ["451 4.7.1 retry after 2 minutes"]
    bench.accept_email()
    assert bench.deliver().wait_seconds == 120.0
    assert bench.record().passes == 0
    asked = len(primary.commands)
    assert bench.again().state == "delivered"
    assert secondary.got == [A]
    assert len(primary.commands) == asked


def test_a_wait_without_a_number_is_a_minute(bench: Bench, primary: MailServer) -> None:
    primary.answers["MAIL"] = ["432 4.3.2 Concurrent connections limit exceeded"]
    bench.accept_email()
    assert bench.deliver().wait_seconds == 60.0
    assert bench.record().passes == 0
    assert bench.again().state == "delivered"


def test_texts_behind_the_one_that_was_throttled_are_not_even_tried(
    bench: Bench, primary: MailServer, secondary: MailServer
) -> None:
    primary.answers["MAIL"] = [None, SHORT]
    bench.accept_text(A, B, "c@x.test")
    result = bench.deliver()
    assert (result.state, result.wait_seconds) == ("waiting", 20.0)
    assert bench.outcomes() == "doo"
    assert primary.verbs.count("MAIL") == 2
    assert bench.again().state == "delivered"
    assert (primary.got, secondary.connections) == ([A, B, "c@x.test"], 0)


def test_words_about_seconds_in_a_passing_refusal_do_not_keep_it_from_the_next_server(
    bench: Bench, primary: MailServer, secondary: MailServer
) -> None:
    primary.answers["DOT"] = "451 4.3.0 filter gave up after 20 seconds"
    bench.accept_email()
    assert bench.deliver().state == "delivered"
    assert secondary.got == [A]


def test_a_wait_named_for_the_message_is_the_least_there_is(bench: Bench, primary: MailServer) -> None:
    primary.answers["DOT"] = ["452 4.3.1 disk full, come back in 10 minutes"]
    bench.accept_email()
    assert bench.deliver().wait_seconds == 600.0
    assert bench.record().passes == 1
    assert bench.again().state == "delivered"


def test_a_wait_named_for_one_recipient_is_the_least_for_them_and_nothing_for_the_others(
    bench: Bench, primary: MailServer
) -> None:
    primary.answers[f"RCPT {A}"] = ["450 4.2.0 greylisted, try again in 300 seconds"]
    primary.answers[f"RCPT {B}"] = ["450 4.2.1 busy", "450 4.2.1 busy"]
    bench.accept_email(A, B)
    assert bench.deliver().wait_seconds == 15.0
    assert bench.again().wait_seconds == 45.0
    assert bench.again().wait_seconds == 240.0
    assert primary.asked == [A, B, B, B]
    assert primary.got == [B]
    assert bench.again().state == "delivered"
    assert primary.got == [B, A]
    assert bench.clock.now_ms == bench.record().accepted_at_ms + 300_000


def test_a_wait_named_for_one_text_is_nothing_for_the_others(bench: Bench, primary: MailServer) -> None:
    primary.answers[f"DOT {A}"] = ["452 4.3.1 disk full, come back in 10 minutes"]
    primary.answers[f"DOT {B}"] = ["451 4.3.0 trouble"]
    bench.accept_text(A, B)
    assert bench.deliver().wait_seconds == 15.0
    assert bench.again().wait_seconds == 585.0
    assert primary.got == [B]
    assert bench.again().state == "delivered"
    assert primary.got == [B, A]


def test_a_server_that_took_it_for_some_and_asked_for_patience_for_others_made_a_pass_of_it(
    bench: Bench, primary: MailServer
) -> None:
    primary.answers[f"RCPT {B}"] = [LONG]
    bench.accept_email(A, B)
    assert bench.deliver().wait_seconds == 600.0
    assert bench.record().passes == 1
    assert bench.again().state == "delivered"
    assert primary.got == [A, B]


def test_a_recipient_whom_the_throttling_server_refused_does_not_wait_for_it(
    bench: Bench, primary: MailServer, secondary: MailServer
) -> None:
    primary.answers[f"RCPT {A}"] = "550 5.1.1 no such user"
    primary.answers["DOT"] = [Drop(), "451 4.7.1 retry after 20 seconds"]
    secondary.go_down()
    bench.accept_email(A, B)
    assert [bench.deliver().wait_seconds, bench.again().wait_seconds] == [15.0, 45.0]
    assert bench.outcomes() == "ou"
    secondary.come_up()
    assert bench.again().state == "waiting"
    assert primary.heard == [B, B]
    assert secondary.got == [A]
    assert bench.again().state == "delivered"


def test_a_single_greylisted_recipient_comes_back_no_sooner_than_asked(
    bench: Bench, primary: MailServer
) -> None:
    primary.answers[f"RCPT {A}"] = ["450 4.2.0 greylisted, try again in 300 seconds"]
    bench.accept_email(A)
    assert bench.deliver().wait_seconds == 300.0
    assert bench.again().state == "delivered"
