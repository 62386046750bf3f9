"""Our own limits: what must wait goes back to the due-set for its turn; that is no try and no fail-over."""

from __future__ import annotations

from collections import Counter

import pytest

from tasks.transports.pool import ConnectionPool
from tests.rigs.another_worker import Another
from tests.rigs.delivery_bench import ID, Bench
from tests.rigs.delivery_servers import MailServer, Text

A, B = "a@x.test", "b@x.test"
PER_MINUTE = "our own limit of messages per minute"


@pytest.fixture
def secondary(bench: Bench, secondary: MailServer) -> MailServer:
    """Secondary Email by another name: the same host and mailbox would be the same account."""
    bench.set(secondary_email__server_name="localhost")
    return secondary


def fullest_minute(texts: list[Text]) -> int:
    at = [text.at_ms for text in texts]
    return max(Counter(sum(1 for other in at if 0 <= other - one < 60_000) for one in at))


def test_what_is_over_the_limit_waits_for_its_own_turn_and_that_is_no_pass_and_no_fail_over(
    bench: Bench, primary: MailServer, secondary: MailServer
) -> None:
    bench.set(limits__primary_email_messages_per_minute=6)
    bench.accept_email(id="first")
    assert bench.deliverer.deliver("first").state == "delivered"
    bench.accept_email()
    result = bench.deliver()
    assert (result.state, result.wait_seconds) == ("waiting", 10.0)
    assert result.reason == f"primary_email: {PER_MINUTE}"
    assert (bench.record().passes, bench.timeline()) == (0, ())
    assert bench.record().next_at_ms == bench.clock.now_ms + 10_000
    assert bench.again().state == "delivered"
    assert (primary.got, secondary.connections) == ([A, A], 0)


def test_who_only_asks_for_a_turn_takes_no_connection_from_those_who_may_go(
    bench: Bench, primary: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.set(limits__primary_email_messages_per_minute=6, limits__primary_email_connections=1)
    for name in ("first", "second", "third", "fourth"):
        bench.accept_email(id=name)
    assert bench.deliverer.deliver("first").state == "delivered"
    assert bench.deliverer.deliver("second").wait_seconds == 10.0
    with monkeypatch.context() as asking:
        asking.delattr(ConnectionPool, "connection")
        assert bench.deliverer.deliver("third").wait_seconds == 20.0
        bench.clock.advance(0.5)
        assert bench.deliverer.deliver("fourth").wait_seconds == 29.5
    # Somebody asks again at the very moment at which the second has its turn.
    bench.clock.advance(9.5)
    bench.accept_email()
    assert bench.deliver().state == "waiting"
    bench.ledger.sweep("normal", room=100)
    assert bench.deliverer.deliver("second").state == "delivered"
    assert (primary.connections, primary.got) == (1, [A, A])


def test_each_text_is_a_message_and_those_behind_the_limit_follow_in_their_turn(
    bench: Bench, primary: MailServer
) -> None:
    primary.now_ms = lambda: bench.clock.now_ms
    bench.set(limits__primary_email_messages_per_minute=30)
    to = [f"r{n}@x.test" for n in range(20)]
    bench.accept_text(*to)
    result = bench.deliver()
    assert (result.state, result.wait_seconds) == ("waiting", 10.0)
    assert bench.outcomes() == "ddddd" + "o" * 15
    while bench.again().state == "waiting":
        assert bench.record().passes == 0
    assert primary.got == to
    assert fullest_minute(primary.texts) <= 30
    assert bench.clock.now_ms - bench.record().accepted_at_ms <= 60_000


def test_each_group_of_an_email_is_a_message(bench: Bench, primary: MailServer) -> None:
    bench.set(limits__primary_email_messages_per_minute=6)
    bench.accept_email(*(f"r{n}@x.test" for n in range(250)))
    assert bench.deliver().wait_seconds == 10.0
    assert bench.outcomes().count("d") == 100
    assert bench.again().wait_seconds == 10.0
    assert bench.again().state == "delivered"
    assert [len(text.recipients) for text in primary.texts] == [100, 100, 50]


def test_a_turn_that_would_come_too_late_sends_it_to_the_next_server(
    bench: Bench, primary: MailServer, secondary: MailServer
) -> None:
    bench.set(limits__primary_email_messages_per_minute=1)
    bench.accept_email(id="first")
    bench.deliverer.deliver("first")
    bench.accept_email()
    bench.redis.hset(f"notify:n:{ID}", "expires_at", bench.clock.now_ms + 30_000)
    result = bench.deliver()
    assert (result.state, result.reason) == ("delivered", f"by secondary_email (primary_email: {PER_MINUTE})")
    assert (primary.got, secondary.got) == ([A], [A])
    bench.accept_email(id="third")
    assert bench.deliverer.deliver("third").wait_seconds == 60.0, "its turn was given back"


@pytest.mark.parametrize("step", ["GREETING", "MAIL", "RCPT", "DATA"])
def test_what_was_not_sent_is_not_counted(
    bench: Bench, primary: MailServer, secondary: MailServer, step: str
) -> None:
    bench.set(limits__primary_email_messages_per_minute=1)
    primary.answers[step] = ["450 4.3.0 not now"]
    bench.accept_email()
    assert bench.deliver().state == "delivered"
    assert secondary.got == [A]
    bench.accept_email(id="n2")
    assert bench.deliverer.deliver("n2").state == "delivered"
    assert primary.got == [A]


def test_what_may_have_been_sent_is_counted(bench: Bench, primary: MailServer) -> None:
    bench.set(limits__primary_email_messages_per_minute=1)
    primary.answers["DOT"] = ["450 4.3.0 not now"]
    bench.accept_email()
    assert bench.deliver().state == "waiting"
    bench.accept_email(id="n2")
    assert bench.deliverer.deliver("n2").wait_seconds == 60.0


def test_a_message_counts_for_a_minute_from_when_it_went_and_not_from_when_it_might_go(
    bench: Bench, primary: MailServer
) -> None:
    bench.set(limits__primary_email_messages_per_minute=1)

    def take_long() -> str:
        bench.clock.advance(20)
        return "250 2.0.0 queued"

    primary.answers["DOT"] = take_long
    bench.accept_email(id="first")
    assert bench.deliverer.deliver("first").state == "delivered"
    bench.clock.advance(10)
    bench.accept_email()
    assert bench.deliver().wait_seconds == 50.0


def test_the_limit_holds_from_the_moment_it_is_saved_and_no_longer_once_it_is_lifted(
    bench: Bench, primary: MailServer
) -> None:
    bench.accept_email(id="first")
    bench.deliverer.deliver("first")
    bench.set(limits__primary_email_messages_per_minute=1)
    bench.accept_email(id="second")
    bench.accept_email()
    assert bench.deliverer.deliver("second").state == "delivered"
    assert bench.deliver().state == "waiting"
    bench.set(limits__primary_email_messages_per_minute=0)
    bench.accept_email(id="third")
    assert bench.deliverer.deliver("third").state == "delivered"
    assert len(primary.got) == 3


def test_the_limit_is_that_of_all_workers_together(
    bench: Bench, primary: MailServer, another: Another
) -> None:
    bench.set(limits__primary_email_messages_per_minute=6)
    bench.accept_email(id="first")
    bench.accept_email(id="second")
    assert bench.deliverer.deliver("first").state == "delivered"
    assert another.deliverer.deliver("second").wait_seconds == 10.0
    assert primary.got == [A]
