from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tasks.transports.connections_in_use import TELL_EVERY_SECONDS
from tasks.transports.failure import OutOfTurn, TransportFailure
from tasks.transports.idle_connections import Limits
from tasks.transports.pool import ConnectionPool
from tasks.transports.trust import Trust
from tasks.verdict import Verdict
from tests.rigs.delivering import PATIENT, RECIPIENT, SENDER, SHORT, TEXT, basic, deliver, server_at
from tests.rigs.processes import wait_until
from tests.rigs.scripted_smtp import Drop, Script, ScriptedServer, Silence, scripted_server


class Clock:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def texts(peer: ScriptedServer) -> list[int]:
    return [len(session.texts) for session in peer.sessions]


def test_a_connection_is_opened_once_and_carries_the_following_messages(pool: ConnectionPool) -> None:
    with scripted_server() as peer:
        server = server_at(peer.port)
        for expected in (False, True, True):
            with pool.connection(server) as connection:
                assert connection.reused is expected
                connection.envelope(SENDER, [RECIPIENT], len(TEXT))
                connection.message([TEXT])
                assert connection.reused
        assert texts(peer) == [3]
        assert peer.sessions[0].verbs().count("RSET") == 0


def test_several_messages_may_go_in_one_use(pool: ConnectionPool) -> None:
    with scripted_server() as peer:
        with pool.connection(server_at(peer.port)) as connection:
            for _ in range(2):
                connection.envelope(SENDER, [RECIPIENT], len(TEXT))
                connection.message([TEXT])
        assert texts(peer) == [2]


def test_accounts_ports_and_bundles_do_not_share_connections(pool: ConnectionPool, tmp_path: Path) -> None:
    offers = Script(offers=("AUTH PLAIN",))
    with scripted_server(offers) as peer:
        deliver(pool, server_at(peer.port))
        deliver(pool, server_at(peer.port, sign_in=basic("a")))
        deliver(pool, server_at(peer.port, sign_in=basic("b")))
        deliver(pool, server_at(peer.port, sign_in=basic("a", "another password")))
        with pool.connection(server_at(peer.port), trust=Trust(str(tmp_path))) as connection:
            assert not connection.reused
        assert len(peer.sessions) == 5


def test_the_connection_that_was_used_last_comes_first(pool: ConnectionPool) -> None:
    with scripted_server() as peer:
        server = server_at(peer.port)
        with pool.connection(server) as outer, pool.connection(server) as inner:
            assert outer is not inner
        with pool.connection(server) as again:
            assert again is outer


def test_a_connection_carries_at_most_its_number_of_messages() -> None:
    pool = ConnectionPool(timeouts=PATIENT, limits=Limits(messages=3))
    with scripted_server() as peer:
        for _ in range(7):
            deliver(pool, server_at(peer.port))
        assert texts(peer) == [3, 3, 1]
        assert peer.sessions[0].verbs()[-1] == "QUIT"
        pool.close()


@pytest.mark.parametrize("limits", [Limits(), Limits(idle_seconds=1e9)])
def test_a_connection_is_not_used_beyond_its_age(limits: Limits) -> None:
    clock = Clock()
    pool = ConnectionPool(timeouts=PATIENT, clock=clock, limits=limits)
    with scripted_server() as peer:
        for pause in (0.0, 29.0, 29.0, 400.0):
            clock.seconds += pause
            deliver(pool, server_at(peer.port))
        assert texts(peer) == [3, 1]
        pool.close()


def test_a_connection_that_was_idle_too_long_is_not_used() -> None:
    clock = Clock()
    pool = ConnectionPool(timeouts=PATIENT, clock=clock)
    with scripted_server() as peer:
        deliver(pool, server_at(peer.port))
        clock.seconds += 30.5
        deliver(pool, server_at(peer.port))
        assert texts(peer) == [1, 1]
        assert peer.sessions[0].verbs()[-1] == "QUIT"
        pool.close()


def test_whoever_counts_hears_now_and_then_of_connections_that_are_used_and_at_once_when_none_is() -> None:
    told: list[tuple[str, int, int]] = []
    clock = Clock()
    pool = ConnectionPool(timeouts=PATIENT, clock=clock, watch=lambda *numbers: told.append(numbers))
    with scripted_server(Script(offers=("AUTH PLAIN",))) as peer:
        server = server_at(peer.port)
        with pool.connection(server):
            assert told == [(server.name, 1, 0)]
            with pool.connection(server):
                pass
            assert told == [(server.name, 1, 0)]
            clock.seconds += TELL_EVERY_SECONDS
            with pool.connection(server):
                assert told[-1] == (server.name, 2, 0)
        assert told[-1] == (server.name, 0, 2)
        clock.seconds += TELL_EVERY_SECONDS
        with contextlib.suppress(LookupError), pool.connection(server):
            assert told[-1] == (server.name, 1, 1)
            raise LookupError
        assert told[-1] == (server.name, 0, 1)
        # With another account it is another server under the same name.
        other = server_at(peer.port, sign_in=basic("b"))
        deliver(pool, other)
        assert told[-1] == (server.name, 0, 2)
        clock.seconds += 31
        pool.close_idle()
        assert told[-1] == (server.name, 0, 0)
        deliver(pool, server)
        assert told[-1] == (server.name, 0, 1)
        pool.close_to(server.fingerprint)
        assert told[-1] == (server.name, 0, 0)
    with pytest.raises(TransportFailure), pool.connection(server):
        pass
    assert told[-1] == (server.name, 0, 0)


def test_of_those_that_others_have_use_for_one_is_closed_where_it_idles() -> None:
    pool = ConnectionPool(timeouts=PATIENT)
    with scripted_server() as peer:
        server = server_at(peer.port)
        holders: list[str] = []
        with pool.connection(server, admit=holders.append):
            pool.close_idle(holders)
            assert not peer.sessions[0].closed.is_set(), "it is used"
            with pool.connection(server, admit=holders.append):
                pass
        pool.close_idle(["another", *holders])
        assert pool.idle_count == 1
        pool.close_idle(["another"])
        assert pool.idle_count == 1
        pool.close()


def test_those_to_one_server_are_closed_and_the_others_kept() -> None:
    pool = ConnectionPool(timeouts=PATIENT)
    with scripted_server() as one, scripted_server() as other:
        deliver(pool, server_at(one.port))
        deliver(pool, server_at(other.port))
        pool.close_to(server_at(one.port).fingerprint)
        assert (one.sessions[0].verbs()[-1], pool.idle_count) == ("QUIT", 1)
        pool.close()


def test_close_idle_closes_what_is_overdue_and_keeps_the_rest() -> None:
    clock = Clock()
    pool = ConnectionPool(timeouts=PATIENT, clock=clock)
    with scripted_server() as old, scripted_server() as young:
        deliver(pool, server_at(old.port))
        clock.seconds += 20
        deliver(pool, server_at(young.port))
        pool.close_idle()
        assert pool.idle_count == 2
        clock.seconds += 20
        pool.close_idle()
        assert pool.idle_count == 1
        assert old.sessions[0].verbs()[-1] == "QUIT"
        assert young.sessions[0].verbs()[-1] == "DATA"
        pool.close()
        assert pool.idle_count == 0


@pytest.mark.parametrize("parting", [Drop(), Drop("421 4.4.2 idle too long")])
def test_a_connection_that_the_server_ended_is_noticed_before_it_is_used(
    pool: ConnectionPool, parting: Drop
) -> None:
    with scripted_server(Script({".": "250 2.0.0 ok"}, after_text=parting), Script()) as peer:
        deliver(pool, server_at(peer.port))
        assert peer.sessions[0].closed.wait(10)
        with pool.connection(server_at(peer.port)) as connection:
            assert not connection.reused
        assert peer.sessions[0].verbs() == ["ehlo", "MAIL", "RCPT", "DATA"]


def test_fresh_opens_a_new_connection_and_forgets_the_old_ones(pool: ConnectionPool) -> None:
    with scripted_server() as peer:
        server = server_at(peer.port)
        with pool.connection(server), pool.connection(server):
            pass
        assert pool.idle_count == 2
        with pool.connection(server, fresh=True) as connection:
            assert not connection.reused
            assert pool.idle_count == 0
        assert (pool.idle_count, len(peer.sessions)) == (1, 3)


@pytest.mark.parametrize("kept", [0, 1, 2])
def test_what_many_messages_at_once_needed_is_kept_for_a_moment_and_then_few_of_it(kept: int) -> None:
    clock, limits = Clock(), Limits(idle_per_server=kept)
    pool = ConnectionPool(timeouts=PATIENT, clock=clock, limits=limits)
    with scripted_server() as peer:
        server = server_at(peer.port)
        for _ in range(2):
            with pool.connection(server), pool.connection(server), pool.connection(server):
                pass
            clock.seconds += limits.surplus_seconds
            pool.close_idle()
            assert (pool.idle_count, len(peer.sessions)) == (3, 3)
        clock.seconds += 0.1
        pool.close_idle()
        assert pool.idle_count == kept
        pool.close()


@pytest.mark.parametrize("recipients", [(), (RECIPIENT,)])
def test_an_exception_closes_the_connection_without_a_dot(
    pool: ConnectionPool, recipients: tuple[str, ...]
) -> None:
    def use(peer: ScriptedServer) -> None:
        with pool.connection(server_at(peer.port)) as connection:
            connection.envelope(SENDER, recipients, len(TEXT))
            raise KeyError

    with scripted_server() as peer:
        with pytest.raises(KeyError):
            use(peer)
        assert pool.idle_count == 0
        assert peer.sessions[0].closed.wait(10)
        assert texts(peer) == [0]


def test_leaving_with_a_text_due_closes_the_connection_without_a_dot(pool: ConnectionPool) -> None:
    with scripted_server() as peer:
        with pool.connection(server_at(peer.port)) as connection:
            connection.envelope(SENDER, [RECIPIENT], len(TEXT))
        assert pool.idle_count == 0
        assert peer.sessions[0].closed.wait(10)
        assert (texts(peer), peer.sessions[0].verbs()[-1]) == ([0], "DATA")


def test_abort_closes_without_a_dot_and_what_follows_is_lost(pool: ConnectionPool) -> None:
    with scripted_server() as peer:
        with pool.connection(server_at(peer.port)) as connection:
            connection.envelope(SENDER, [RECIPIENT], len(TEXT))
            connection.abort()
            connection.abort()
            with pytest.raises(TransportFailure) as caught:
                connection.message([TEXT])
            assert caught.value.judgement.verdict is Verdict.SERVER_DOWN
        assert peer.sessions[0].closed.wait(10)
        assert (texts(peer), peer.sessions[0].unfinished) == ([0], b"")
        assert pool.idle_count == 0


def test_a_text_without_an_envelope_and_an_envelope_before_its_text_are_our_own_faults(
    pool: ConnectionPool,
) -> None:
    with scripted_server() as peer:
        with pytest.raises(OutOfTurn), pool.connection(server_at(peer.port)) as connection:
            connection.message([TEXT])
        with pool.connection(server_at(peer.port)) as connection:
            connection.envelope(SENDER, [RECIPIENT], len(TEXT))
            with pytest.raises(OutOfTurn):
                connection.envelope(SENDER, [RECIPIENT], len(TEXT))
        assert texts(peer) == [0, 0]


def test_a_retired_connection_is_closed_after_its_use(pool: ConnectionPool) -> None:
    with scripted_server() as peer:
        with pool.connection(server_at(peer.port)) as connection:
            connection.retire()
            connection.envelope(SENDER, [RECIPIENT], len(TEXT))
            connection.message([TEXT])
        assert pool.idle_count == 0
        assert (texts(peer), peer.sessions[0].verbs()[-1]) == ([1], "QUIT")


def test_noop_asks_the_server_and_says_whether_it_is_there(pool: ConnectionPool) -> None:
    with scripted_server(Script(), Script({"NOOP": "421 4.3.0 no"})) as peer:
        with pool.connection(server_at(peer.port)) as connection:
            assert connection.noop().code == 250
        with (
            pytest.raises(TransportFailure) as caught,
            pool.connection(server_at(peer.port), fresh=True) as connection,
        ):
            connection.noop()
    assert str(caught.value) == "noop 421"
    assert caught.value.judgement.verdict is Verdict.SERVER_DOWN


def test_time_outs_that_changed_hold_for_a_connection_that_is_open(pool: ConnectionPool) -> None:
    with scripted_server(Script(after_text=Silence())) as peer:
        deliver(pool, server_at(peer.port))
        with (
            pytest.raises(TransportFailure) as caught,
            pool.connection(server_at(peer.port), timeouts=SHORT) as connection,
        ):
            connection.envelope(SENDER, [RECIPIENT], len(TEXT))
    assert str(caught.value) == "mail timeout"
    assert caught.value.judgement.verdict is Verdict.STALE_CONNECTION


def test_threads_never_share_a_connection() -> None:
    pool = ConnectionPool(timeouts=PATIENT, limits=Limits(idle_per_server=8))
    with scripted_server() as peer:
        server = server_at(peer.port)

        def send(number: int) -> bytes:
            text = f"Subject: {number}\r\n\r\n{'x' * number}\r\n".encode()
            deliver(pool, server, chunks=[text])
            return text

        with ThreadPoolExecutor(8) as threads:
            sent = list(threads.map(send, range(200)))
        arrived = [text for session in peer.sessions for text in session.texts]
        assert sorted(arrived) == sorted(sent)
        assert len(peer.sessions) <= 8
        pool.close()


FORKING = """
import os, sys
from tasks.transports.pool import ConnectionPool
from tests.rigs.delivering import PATIENT, deliver, server_at

pool = ConnectionPool(timeouts=PATIENT)
server = server_at(int(sys.argv[1]))
deliver(pool, server)
child = os.fork()
if child == 0:
    assert pool.idle_count == 0
    with pool.connection(server) as connection:
        assert not connection.reused
    deliver(pool, server)
    pool.close()
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
with pool.connection(server) as connection:
    assert connection.reused
deliver(pool, server)
pool.close()
"""


def test_a_child_of_a_fork_never_touches_its_parents_connections(pool: ConnectionPool) -> None:
    root = Path(__file__).parents[2]
    with scripted_server() as peer:
        subprocess.run(
            [sys.executable, "-W", "error", "-c", FORKING, str(peer.port)],
            cwd=root,
            env={**os.environ, "PYTHONPATH": str(root)},
            check=True,
            timeout=60,
        )
        wait_until(lambda: all(session.closed.is_set() for session in peer.sessions))
        assert [session.verbs() for session in peer.sessions] == [
            ["ehlo", "MAIL", "RCPT", "DATA", "MAIL", "RCPT", "DATA", "QUIT"],
            ["ehlo", "MAIL", "RCPT", "DATA", "QUIT"],
        ]
    assert pool.idle_count == 0
