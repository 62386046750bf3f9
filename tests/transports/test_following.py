"""A message whose envelope travels behind the text of the one before, on the same connection."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from tasks.server import Server, Tls
from tasks.transports.client import Client
from tasks.transports.connection import Connection
from tasks.transports.failure import TransportFailure
from tasks.transports.idle_connections import Limits
from tasks.transports.phase import Phase
from tasks.transports.pool import ConnectionPool
from tasks.transports.timeouts import Timeouts
from tasks.verdict import Verdict
from tests.rigs.delivering import PATIENT, RECIPIENT, SENDER, basic, server_at
from tests.rigs.one_connection import Full, OneConnection
from tests.rigs.postfix import PASSWORD, USER, Postfix
from tests.rigs.processes import wait_until
from tests.rigs.scripted_smtp import Drop, Later, Script, Silence, scripted_server

FIRST = b"Subject: first\r\n\r\nfirst\r\n"
SECOND = b"Subject: second\r\n\r\nsecond\r\n"


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as executor:
        yield executor


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Everything that is handed to a socket, in order."""
    written: list[bytes] = []
    send = Client.send

    def note(client: Client, s: Any, seconds: float | None = None) -> None:
        written.append(s.encode() if isinstance(s, str) else bytes(s))
        send(client, s, seconds)

    monkeypatch.setattr(Client, "send", note)
    return written


def carry(pool: ConnectionPool, server: Server, text: bytes, **how: Any) -> str:
    """Send a text, over a connection that others use if there is one; what the server said to it."""
    with pool.connection(server, follow=True, **how) as connection:
        assert connection.envelope(SENDER, [RECIPIENT], len(text)).accepted
        return connection.message([text]).text


def begins(sent: list[bytes], what: bytes) -> int:
    return sum(each.startswith(what) for each in sent)


class Two:
    """A message that waits for its last reply, and one that follows it."""

    def __init__(
        self,
        pool: ConnectionPool,
        server: Server,
        threads: ThreadPoolExecutor,
        sent: list[bytes],
        **how: Any,
    ) -> None:
        self.first = threads.submit(carry, pool, server, FIRST)
        wait_until(lambda: any(each.endswith(b"\r\n.\r\n") for each in sent), what="the first text")
        wait_until(lambda: any(pool._idle._followable.values()), what="the connection being offered")
        self.second = threads.submit(carry, pool, server, SECOND, **how)


def failure(future: Future[str]) -> TransportFailure:
    with pytest.raises(TransportFailure) as caught:
        future.result()
    return caught.value


def test_the_next_envelope_is_sent_before_the_last_reply_to_the_text_comes(
    pool: ConnectionPool, threads: ThreadPoolExecutor, sent: list[bytes]
) -> None:
    said = threading.Event()
    with scripted_server(Script(does={".": Later(said, "250 2.0.0 the first")})) as peer:
        two = Two(pool, server_at(peer.port), threads, sent)
        wait_until(lambda: begins(sent, b"MAIL") == 2, what="the second envelope")
        assert not two.first.done()
        said.set()
        assert two.first.result() == "the first"
        assert two.second.result() == "the first"
        (session,) = peer.sessions
        assert session.verbs() == ["ehlo", "MAIL", "RCPT", "DATA", "MAIL", "RCPT", "DATA"]
        assert session.texts == [FIRST, SECOND]
        assert pool.idle_count == 1


def test_who_follows_on_a_connection_that_was_used_before_waits_for_the_newest_reply(
    pool: ConnectionPool, threads: ThreadPoolExecutor, sent: list[bytes]
) -> None:
    said = threading.Event()
    script = Script(does={".": "250 2.0.0 earlier"}, later={".": Later(said, "250 2.0.0 newest")})
    with scripted_server(script) as peer:
        server = server_at(peer.port)
        assert carry(pool, server, FIRST) == "earlier"
        sent.clear()
        two = Two(pool, server, threads, sent)
        wait_until(lambda: begins(sent, b"MAIL") == 2, what="the second envelope")
        said.set()
        assert two.first.result() == two.second.result() == "newest"
        assert peer.sessions[0].texts == [FIRST, FIRST, SECOND]


def test_a_lost_last_reply_leaves_the_first_uncertain_and_the_next_one_surely_unsent(
    pool: ConnectionPool, threads: ThreadPoolExecutor, sent: list[bytes]
) -> None:
    hung_up = threading.Event()
    with scripted_server(Script(does={".": Later(hung_up, "250 2.0.0 never read")}), Script()) as peer:
        server = server_at(peer.port)
        two = Two(pool, server, threads, sent)
        wait_until(lambda: begins(sent, b"MAIL") == 2, what="the second envelope")
        peer._conversations[0].interrupt()
        hung_up.set()
        first, second = failure(two.first), failure(two.second)
        assert (first.phase, first.judgement.verdict) == (Phase.FINAL, Verdict.UNCERTAIN)
        assert second.phase.before_text
        assert second.judgement.verdict is Verdict.STALE_CONNECTION
        assert carry(pool, server, SECOND, fresh=True)
        assert [session.texts for session in peer.sessions] == [[FIRST], [SECOND]]


@pytest.mark.parametrize(
    "reply, verdict",
    [("554 5.7.1 spam", Verdict.MESSAGE_REFUSED), ("451 4.3.0 later", Verdict.MESSAGE_WAITS)],
)
def test_where_the_first_text_is_refused_the_next_one_goes_by_another_connection(
    pool: ConnectionPool, threads: ThreadPoolExecutor, sent: list[bytes], reply: str, verdict: Verdict
) -> None:
    said = threading.Event()
    with scripted_server(Script(does={".": Later(said, reply)}), Script()) as peer:
        two = Two(pool, server_at(peer.port), threads, sent)
        wait_until(lambda: begins(sent, b"MAIL") == 2, what="the second envelope")
        said.set()
        assert failure(two.first).judgement.verdict is verdict
        assert failure(two.second).judgement.verdict is Verdict.STALE_CONNECTION
        assert peer.sessions[0].texts == [FIRST]


def test_who_follows_does_not_wait_for_ever_and_then_nothing_of_it_is_delivered(
    pool: ConnectionPool, threads: ThreadPoolExecutor, sent: list[bytes]
) -> None:
    said = threading.Event()
    with scripted_server(Script(does={".": Later(said, "250 2.0.0 at last")})) as peer:
        two = Two(
            pool, server_at(peer.port), threads, sent, timeouts=Timeouts(reply_seconds=0.2, quit_seconds=5)
        )
        assert failure(two.second).judgement.verdict is Verdict.STALE_CONNECTION
        assert not two.first.done()
        said.set()
        assert two.first.result() == "at last"
        (session,) = peer.sessions
        assert session.closed.wait(20), "what it began on the connection cannot be taken back"
        assert session.texts == [FIRST]
        assert pool.idle_count == 0


def test_who_may_not_go_leaves_the_connection_to_the_first(
    pool: ConnectionPool, threads: ThreadPoolExecutor, sent: list[bytes]
) -> None:
    said = threading.Event()

    def refuse(_holder: str) -> None:
        raise Full

    with scripted_server(Script(does={".": Later(said, "250 2.0.0 ok")})) as peer:
        two = Two(pool, server_at(peer.port), threads, sent, admit=refuse)
        with pytest.raises(Full):
            two.second.result()
        said.set()
        assert two.first.result() == "ok"
        assert pool.idle_count == 1
        assert peer.sessions[0].verbs().count("MAIL") == 1


def test_who_follows_has_the_keeping_and_its_place_is_given_back_once(
    threads: ThreadPoolExecutor, sent: list[bytes]
) -> None:
    class Places:
        def __init__(self) -> None:
            self.back: list[str] = []

        def may_keep(self, _holder: str) -> bool:
            return True

        def closed(self, holders: Any) -> None:
            self.back += holders

        def left(self, holders: Any) -> None:
            self.back += holders

    places, told, said = Places(), list[tuple[int, int]](), threading.Event()
    pool = ConnectionPool(
        timeouts=PATIENT, places=places, watch=lambda _name, busy, idle: told.append((busy, idle))
    )
    with scripted_server(Script(does={".": Later(said, "250 2.0.0 ok")})) as peer:
        two = Two(pool, server_at(peer.port), threads, sent)
        wait_until(lambda: begins(sent, b"MAIL") == 2, what="the second envelope")
        assert told[-1] == (1, 0), "two messages on it are one connection"
        said.set()
        two.first.result()
        two.second.result()
        assert told[-1] == (0, 1)
        assert places.back == []
        pool.close()
        assert len(places.back) == 1


@pytest.mark.parametrize("how", [{}, {"wait": True}])
def test_a_connection_that_broke_before_who_follows_could_use_it_is_not_counted_for_ever(
    threads: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch, how: dict[str, bool]
) -> None:
    told, closing, first = list[tuple[int, int]](), threading.Event(), list[Future[str]]()
    pool = ConnectionPool(timeouts=PATIENT, watch=lambda _name, busy, idle: told.append((busy, idle)))
    take_up = Connection.take_up

    def take_up_late(connection: Connection, timeouts: Timeouts) -> bool:
        if connection.follows:
            closing.set()
            failure(first[0])
        return take_up(connection, timeouts)

    monkeypatch.setattr(Connection, "take_up", take_up_late)
    with scripted_server(Script(does={".": Later(closing, "421 4.3.0 closing")}), Script()) as peer:
        server = server_at(peer.port)
        first.append(threads.submit(carry, pool, server, FIRST))
        wait_until(lambda: any(pool._idle._followable.values()), what="the connection being offered")
        assert carry(pool, server, SECOND, **how)
        assert told[-1] == (0, 1)
        assert pool._of_this_process.in_use.busy(server.name) == 0
        assert [session.texts for session in peer.sessions] == [[FIRST], [SECOND]]
        pool.close()


@pytest.mark.parametrize(
    "limits, offers",
    [
        (Limits(), ("8BITMIME",)),
        (Limits(messages=1), ("PIPELINING",)),
        (Limits(age_seconds=0), ("PIPELINING",)),
    ],
)
def test_nobody_follows_where_the_server_does_not_allow_it_or_the_connection_is_at_its_end(
    threads: ThreadPoolExecutor, sent: list[bytes], limits: Limits, offers: tuple[str, ...]
) -> None:
    pool, said = ConnectionPool(timeouts=PATIENT, limits=limits), threading.Event()
    slow = Script(does={".": Later(said, "250 2.0.0 ok")}, offers=offers)
    with scripted_server(slow, Script()) as peer:
        server = server_at(peer.port)
        first = threads.submit(carry, pool, server, FIRST)
        wait_until(lambda: any(each.endswith(b"\r\n.\r\n") for each in sent), what="the first text")
        assert carry(pool, server, SECOND)
        assert not first.done()
        said.set()
        first.result()
        assert [session.texts for session in peer.sessions] == [[FIRST], [SECOND]]
    pool.close()


def test_a_server_that_threw_away_what_came_behind_a_text_is_not_asked_for_it_again(
    pool: ConnectionPool, threads: ThreadPoolExecutor, sent: list[bytes]
) -> None:
    said = threading.Event()
    forgetful = Script(does={".": Later(said, "250 2.0.0 ok")}, later={"MAIL": Silence()})
    with scripted_server(forgetful, Script(does={".": Later(said, "250 2.0.0 ok")}), Script()) as peer:
        server = server_at(peer.port)
        two = Two(pool, server, threads, sent, timeouts=Timeouts(reply_seconds=1))
        said.set()
        assert two.first.result()
        assert failure(two.second).judgement.verdict is Verdict.STALE_CONNECTION
        said.clear()
        sent.clear()
        third = threads.submit(carry, pool, server, FIRST)
        wait_until(lambda: any(each.endswith(b"\r\n.\r\n") for each in sent), what="the third text")
        assert carry(pool, server, SECOND)
        assert len(peer.sessions) == 3
        said.set()
        third.result()


def test_a_server_that_hangs_up_after_the_text_is_no_harm_to_who_follows(
    pool: ConnectionPool, threads: ThreadPoolExecutor, sent: list[bytes]
) -> None:
    said = threading.Event()
    script = Script(does={".": Later(said, "250 2.0.0 ok")}, after_text=Drop())
    with scripted_server(script) as peer:
        two = Two(pool, server_at(peer.port), threads, sent)
        wait_until(lambda: begins(sent, b"MAIL") == 2, what="the second envelope")
        said.set()
        assert two.first.result() == "ok"
        assert failure(two.second).judgement.verdict is Verdict.STALE_CONNECTION
        assert peer.sessions[0].texts == [FIRST]


def test_many_over_one_protected_connection_arrive_once_each(
    trusting_pool: ConnectionPool, threads: ThreadPoolExecutor, postfix: Postfix
) -> None:
    server = server_at(
        postfix.submission_port, host="localhost", tls=Tls.STARTTLS, sign_in=basic(USER, PASSWORD)
    )
    marks = [f"following-{time.monotonic_ns()}-{number:02d}" for number in range(60)]
    one = OneConnection(trusting_pool, server)
    texts = [f"Subject: {mark}\r\n\r\n{mark}\r\n".encode() for mark in marks]
    for done in [threads.submit(one.send, text) for text in texts]:
        done.result()
    for mark in marks:
        postfix.arrived(mark)
