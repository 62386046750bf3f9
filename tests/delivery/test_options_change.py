"""A saved option holds for the next server that is tried, in the middle of a pass too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import redis

from settings_store.keyring import Keyring
from tasks.ledger import Ledger
from tasks.routing import PRIMARY_EMAIL_BLANK
from tests.rigs.clock import TEST_CLOCK
from tests.rigs.delivery_bench import ID, Bench, once
from tests.rigs.delivery_servers import MailServer, mail_server

A, B = "a@x.test", "b@x.test"
TROUBLE = "451 4.3.0 trouble"
UNKNOWN = "550 5.1.1 no such user"


def saying(reply: str, act: Callable[[], object]) -> Callable[[], str]:
    """An answer that does something before it is given for the first time."""
    first = once(act)

    def answer() -> str:
        first()
        return reply

    return answer


def test_a_server_that_was_replaced_between_two_hops_is_not_even_connected_to(
    bench: Bench, primary: MailServer, secondary: MailServer
) -> None:
    with mail_server() as another:
        primary.answers["MAIL"] = saying(TROUBLE, lambda: bench.use(secondary_email=another))
        bench.accept_email()
        before = bench.store.snapshot().revision
        assert bench.deliver().state == "delivered"
        assert another.got == [A]
        assert secondary.connections == 0
        assert [entry["revision"] for entry in bench.timeline()] == [before, before + 1]
        assert bench.record().passes == 1


def test_a_server_that_was_replaced_between_envelope_and_text_gets_no_text(
    bench: Bench, primary: MailServer, secondary: MailServer
) -> None:
    with mail_server() as another:
        primary.answers["DATA"] = once(lambda: bench.use(primary_email=another))
        bench.accept_email()
        assert bench.deliver().state == "delivered"
        assert another.got == [A]
        assert primary.texts == []
        assert secondary.connections == 0


def test_a_text_is_written_by_the_options_that_hold_when_it_is_sent(
    bench: Bench, primary: MailServer
) -> None:
    primary.answers["DATA"] = once(lambda: bench.set(text__installation_name="later.test"))
    bench.accept_email()
    result = bench.deliver()
    assert (result.state, result.reason) == ("delivered", "by primary_email")
    assert len(primary.texts) == 1
    assert b"@later.test>" in primary.texts[0].raw
    assert bench.record().passes == 1


def test_options_that_change_again_and_again_send_it_once(bench: Bench, primary: MailServer) -> None:
    names = iter(["one.test", "two.test", "three.test"])

    def change() -> None:
        name = next(names, None)
        if name:
            bench.set(text__installation_name=name)

    primary.answers["DATA"] = change
    bench.accept_email()
    assert bench.deliver().state == "delivered"
    assert len(primary.texts) == 1
    assert b"@three.test>" in primary.texts[0].raw


def test_a_server_that_failed_is_not_tried_again_because_another_option_changed(
    bench: Bench, primary: MailServer, secondary: MailServer
) -> None:
    bench.sign_in("primary_email")
    primary.answers["AUTH"] = "535 5.7.8 wrong"
    secondary.answers["DATA"] = once(lambda: bench.set(text__labels=False))
    bench.accept_email()
    result = bench.deliver()
    assert result.reason == "by secondary_email (primary_email: the server refused the sign-in)"
    assert primary.verbs.count("AUTH") == 1
    assert secondary.got == [A]
    assert bench.story() == ["primary_email auth misconfigured", "secondary_email final delivered"]


def test_a_server_whose_own_options_changed_is_another_server_and_is_tried_again(
    bench: Bench, primary: MailServer, secondary: MailServer
) -> None:
    bench.sign_in("primary_email", "wrong")
    primary.answers["AUTH"] = ["535 5.7.8 wrong"]
    secondary.answers["DATA"] = once(lambda: bench.sign_in("primary_email", "right"))
    bench.accept_email()
    assert bench.deliver().state == "delivered"
    assert primary.verbs.count("AUTH") == 2
    assert primary.got == [A]
    assert secondary.texts == []


def test_what_the_old_chain_refused_is_asked_of_the_new_one_before_it_is_final(
    bench: Bench, primary: MailServer, secondary: MailServer
) -> None:
    with mail_server() as another:
        primary.answers["RCPT"] = UNKNOWN
        secondary.answers["RCPT"] = saying(UNKNOWN, lambda: bench.use(secondary_email=another))
        bench.accept_email()
        assert bench.deliver().state == "delivered"
        assert another.got == [A]
        assert primary.asked == [A]


def test_what_was_refused_before_the_options_changed_is_not_asked_again(
    bench: Bench, primary: MailServer, secondary: MailServer
) -> None:
    primary.answers[f"RCPT {B}"] = UNKNOWN
    primary.answers["DATA"] = once(lambda: bench.set(text__labels=False))
    bench.accept_email(A, B)
    assert bench.deliver().state == "delivered"
    assert primary.asked == [A, B, A]
    assert (primary.got, secondary.got) == ([A], [B])
    assert bench.story()[0] == "primary_email rcpt recipient_refused"


def test_same_as_primary_takes_the_second_server_out(
    bench: Bench, primary: MailServer, secondary: MailServer
) -> None:
    bench.set(mirror__email=True)
    primary.go_down()
    bench.accept_email()
    assert bench.deliver().state == "waiting"
    assert bench.story() == ["primary_email greeting server_down"]
    assert secondary.connections == 0


def test_same_as_primary_saved_in_the_middle_of_a_pass_takes_the_second_server_out_of_it(
    bench: Bench, primary: MailServer, secondary: MailServer
) -> None:
    primary.answers["MAIL"] = TROUBLE
    secondary.answers["DATA"] = once(lambda: bench.set(mirror__email=True))
    bench.accept_email()
    result = bench.deliver()
    assert (result.state, result.wait_seconds) == ("waiting", 15.0)
    assert secondary.texts == []
    assert primary.verbs.count("MAIL") == 1
    assert bench.record().passes == 1


def test_a_blank_primary_holds_an_email_whatever_the_secondary_is(
    bench: Bench, primary: MailServer, secondary: MailServer
) -> None:
    bench.use(primary_email=None)
    bench.accept_email()
    result = bench.deliver()
    assert (result.state, result.reason, result.wait_seconds) == ("held", PRIMARY_EMAIL_BLANK, 0.0)
    record = bench.record()
    assert (record.state, record.reason, record.passes) == ("held", PRIMARY_EMAIL_BLANK, 0)
    assert primary.connections == secondary.connections == 0
    bench.use(primary_email=primary)
    assert bench.ledger.release_held(bench.store.snapshot().revision) == 1
    assert bench.again().state == "delivered"
    assert primary.got == [A]


def test_a_primary_that_is_blanked_in_the_middle_of_a_pass_holds_what_is_open_and_keeps_what_was_sent(
    bench: Bench, primary: MailServer, secondary: MailServer
) -> None:
    primary.answers["RCPT"] = [None, "450 4.2.1 busy"]
    secondary.answers["DATA"] = once(lambda: bench.use(primary_email=None))
    bench.accept_email(A, B)
    result = bench.deliver()
    assert (result.state, result.reason) == ("held", PRIMARY_EMAIL_BLANK)
    assert bench.outcomes() == "do"
    assert secondary.texts == []
    assert not bench.has_intent()
    bench.use(primary_email=primary)
    bench.ledger.release_held(bench.store.snapshot().revision)
    assert bench.again().state == "delivered"
    assert primary.got == [A, B]


class SavedJustBefore(Ledger):
    """Somebody saves options at the last moment before a notification is held."""

    save: Callable[[], object]

    def finish(self, *args: Any, **named: Any) -> Any:
        if named["then"] == "held":
            self.save()
        return super().finish(*args, **named)


@pytest.fixture
def raced(redis_server: redis.Redis, keyring: Keyring, primary: MailServer) -> Bench:
    ledger = SavedJustBefore(redis_server, clock=TEST_CLOCK)
    bench = Bench(redis_server, keyring, worker_ledger=ledger)
    bench.use(primary_email=None)
    ledger.save = once(lambda: bench.use(primary_email=primary))
    return bench


def test_options_saved_while_it_is_to_be_held_send_it_instead(raced: Bench, primary: MailServer) -> None:
    raced.accept_email()
    assert raced.deliver().state == "delivered"
    assert primary.got == [A]
    assert raced.record().passes == 1
    raced.close()


def test_the_next_pass_goes_by_what_was_saved_since_the_last(bench: Bench, primary: MailServer) -> None:
    bench.accept_email(id="first")
    assert bench.deliverer.deliver("first").state == "delivered"
    with mail_server() as another:
        bench.use(primary_email=another)
        bench.accept_email()
        assert bench.deliverer.deliver(ID).state == "delivered"
        assert len(primary.got) == 1
        assert another.got == [A]
