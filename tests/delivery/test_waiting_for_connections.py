"""Passes that wait a moment for a connection, or for a turn where they are urgent; no slot is kept long."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tasks.delivery import patience
from tasks.transports.connection import Connection
from tasks.transports.idle_connections import NOT_AGAIN_SECONDS, IdleConnections, PoolKey
from tasks.transports.idle_connections import Limits as IdleLimits
from tests.rigs.another_worker import Another
from tests.rigs.delivery_bench import ID, Bench
from tests.rigs.delivery_servers import MailServer
from tests.rigs.processes import wait_until

# -- a moment's wait for a connection of one's own process

A = "a@x.test"


class Busy:
    """The only connection is in use until somebody waits for it after `look`, or the test ends."""

    def __init__(self, bench: Bench, primary: MailServer) -> None:
        self._bench = bench
        self._has_text, self._looks, self.is_over = threading.Event(), threading.Event(), threading.Event()
        bench.set(limits__primary_email_connections=1)
        bench.accept_email(id="first")
        primary.answers["DOT"] = self._answer
        # Or the next message would follow on it.
        primary.offers = ("SIZE 10000000",)
        self.thread = threading.Thread(target=bench.deliverer.deliver, args=("first",))
        self.thread.start()
        assert self._has_text.wait(60)

    def wait_at_most(self, seconds: float) -> None:
        self._bench.pool._idle._limits = IdleLimits(wait_seconds=seconds)

    def look(self) -> None:
        self._looks.set()

    def _answer(self) -> str:
        self._has_text.set()
        waiting = self._bench.pool._idle._waiting
        wait_until(
            lambda: self.is_over.is_set() or (self._looks.is_set() and any(waiting.values())),
            seconds=60,
            what="somebody waiting",
        )
        self.is_over.set()
        return "250 2.0.0 queued"


@pytest.fixture
def busy(bench: Bench, primary: MailServer) -> Iterator[Busy]:
    made = Busy(bench, primary)
    yield made
    made.is_over.set()
    made.thread.join()


def test_a_connection_that_is_given_back_in_a_moment_is_waited_for_in_the_pass(
    bench: Bench, primary: MailServer, busy: Busy
) -> None:
    busy.wait_at_most(60)
    busy.look()
    bench.accept_email()
    assert bench.deliver().state == "delivered"
    assert (len(primary.texts), primary.connections) == (2, 1)


def test_the_next_message_follows_on_the_only_connection_while_the_last_reply_is_due(
    bench: Bench, primary: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.set(limits__primary_email_connections=1)
    has_text, has_followed = threading.Event(), threading.Event()
    follow = IdleConnections.follow

    def watched(idle: IdleConnections, key: PoolKey, *, first: bool) -> Connection | None:
        follower = follow(idle, key, first=first)
        if follower is not None:
            has_followed.set()
        return follower

    def last_word() -> str:
        has_text.set()
        assert has_followed.is_set() or has_followed.wait(60)
        return "250 2.0.0 queued"

    monkeypatch.setattr(IdleConnections, "follow", watched)
    primary.answers["DOT"] = last_word
    bench.accept_email(id="first")
    thread = threading.Thread(target=bench.deliverer.deliver, args=("first",))
    thread.start()
    assert has_text.wait(60)
    bench.accept_email()
    assert bench.deliver().state == "delivered"
    thread.join()
    assert (len(primary.texts), primary.connections) == (2, 1)


def test_after_one_waited_in_vain_nobody_does_for_a_moment(
    bench: Bench, primary: MailServer, busy: Busy
) -> None:
    busy.wait_at_most(0)
    bench.accept_email()
    assert bench.deliver().state == "waiting"
    busy.wait_at_most(60)
    busy.look()
    bench.accept_email(id="n2")
    assert bench.deliverer.deliver("n2").state == "waiting"
    assert primary.texts == []
    bench.clock.advance(NOT_AGAIN_SECONDS)
    bench.accept_email(id="n3")
    assert bench.deliverer.deliver("n3").state == "delivered"


# -- what is urgent


def test_what_is_urgent_waits_for_a_connection_in_its_own_pass(
    bench: Bench, primary: MailServer, another: Another
) -> None:
    bench.set(limits__primary_email_connections=1)
    bench.accept_email(id="first")
    assert another.deliverer.deliver("first").state == "delivered"
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        bench.clock.advance(seconds)
        # The other's thread, which closes what idles where somebody waits.
        another.admission.renew()

    bench.accept_email(priority="high")
    assert bench.new_deliverer(pause=wait).deliver(ID).state == "delivered"
    assert waits == [0.2]
    assert primary.most_open == 1


def test_what_is_urgent_goes_back_where_its_turn_is_further_off_than_a_moment(
    bench: Bench, primary: MailServer
) -> None:
    bench.set(limits__primary_email_messages_per_minute=1)
    bench.accept_email(id="first")
    assert bench.deliverer.deliver("first").state == "delivered"
    bench.accept_email(priority="high")
    result = bench.deliver()
    assert (result.state, result.wait_seconds) == ("waiting", 60.0)
    assert len(primary.texts) == 1


def test_what_is_urgent_passes_those_that_have_a_turn_and_others_do_not(
    bench: Bench, primary: MailServer
) -> None:
    bench.set(limits__primary_email_messages_per_minute=30)
    for number in range(12):
        bench.accept_email(id=f"m{number}")
        bench.deliverer.deliver(f"m{number}")
    assert len(primary.texts) == 5
    bench.accept_email(id="ordinary")
    assert bench.deliverer.deliver("ordinary").wait_seconds > 20
    bench.accept_email(priority="high")
    assert bench.deliver().state == "delivered"


def test_few_urgent_ones_wait_in_their_pass_and_the_others_leave_their_slots(
    bench: Bench, primary: MailServer
) -> None:
    bench.set(limits__primary_email_messages_per_minute=120)
    for number in range(40):
        bench.accept_email(id=f"m{number}", priority="high")
        assert bench.deliverer.deliver(f"m{number}").state == "delivered"
    bench.clock.advance(9)
    to_come = ["third", "second", "first"]
    became: dict[str, tuple[str, float]] = {}

    def deliver_next() -> None:
        name = to_come.pop()
        bench.accept_email(id=name, priority="high")
        result = deliverer.deliver(name)
        became[name] = (result.state, result.wait_seconds)

    def wait(seconds: float) -> None:
        if to_come:
            # In another thread's slot.
            deliver_next()
        bench.clock.advance(seconds)

    deliverer = bench.new_deliverer(pause=wait, slots=8)
    deliver_next()
    assert became == {"first": ("delivered", 0.0), "second": ("delivered", 0.0), "third": ("waiting", 2.0)}
    assert len(primary.texts) == 42


def test_what_is_urgent_has_the_next_connection_before_others_that_wait_for_one(
    bench: Bench, primary: MailServer, busy: Busy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ordinary one began to wait first."""
    monkeypatch.setattr(patience, "URGENT_SECONDS", 60.0)
    busy.wait_at_most(60)
    bench.accept_email("ordinary@x.test", id="ordinary")
    bench.accept_email("urgent@x.test", priority="high")
    idle = bench.pool._idle
    with ThreadPoolExecutor() as slots:
        ordinary = slots.submit(bench.deliverer.deliver, "ordinary")
        wait_until(lambda: any(idle._waiting.values()), seconds=60, what="the ordinary one waiting")
        urgent = slots.submit(bench.deliver)
        wait_until(lambda: any(idle._first.values()), seconds=60, what="the urgent one going first")
        busy.look()
        assert urgent.result(60).state == "delivered"
        assert ordinary.result(60).state == "delivered"
    assert primary.got == [A, "urgent@x.test", "ordinary@x.test"]
    assert primary.connections == 1
