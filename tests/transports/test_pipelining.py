from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from tasks.transports.client import Client
from tasks.transports.failure import TransportFailure
from tasks.transports.phase import Phase
from tasks.transports.pool import ConnectionPool
from tasks.transports.transaction import PIPELINED_COMMANDS, open_envelope
from tasks.verdict import Verdict
from tests.rigs.delivering import PATIENT, RECIPIENT, SENDER, TEXT, deliver, server_at
from tests.rigs.scripted_smtp import Drop, Script, scripted_server

REFUSED = {"RCPT": "550 5.1.1 no such user"}


@contextlib.contextmanager
def client_of(answering: Callable[[socket.socket], None]) -> Iterator[Client]:
    """A client whose peer, which offers PIPELINING, is written for one test."""
    ours, theirs = socket.socketpair()
    client = Client(local_hostname="client.test", timeouts=PATIENT)
    client.speak_over(ours)
    client.esmtp_features = {"pipelining": ""}
    thread = threading.Thread(target=answering, args=(theirs,))
    thread.start()
    try:
        yield client
    finally:
        client.close()
        thread.join()
        theirs.close()


def test_all_commands_are_on_the_wire_before_the_first_reply() -> None:
    def answer(peer: socket.socket) -> None:
        received = b""
        while not received.endswith(b"DATA\r\n"):
            received += peer.recv(4096)
        peer.sendall(b"250 ok\r\n250 ok\r\n550 no\r\n354 go\r\n")

    with client_of(answer) as client:
        envelope = open_envelope(client, SENDER, ["a@corp.test", "b@corp.test"], 0)
    assert (envelope.accepted, list(envelope.refused)) == (("a@corp.test",), ["b@corp.test"])


def test_without_the_offer_each_command_waits_for_its_reply() -> None:
    def answer(peer: socket.socket) -> None:
        for reply in (b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n"):
            received = peer.recv(4096)
            assert received.count(b"\r\n") == 1
            peer.sendall(reply)

    with client_of(answer) as client:
        client.esmtp_features = {}
        assert open_envelope(client, SENDER, [RECIPIENT], 0).accepted == (RECIPIENT,)


def test_hundreds_of_recipients_go_in_groups_and_each_gets_its_own_reply(pool: ConnectionPool) -> None:
    recipients = [f"user{number}@corp.test" for number in range(2 * PIPELINED_COMMANDS + 50)]
    script = Script({f"RCPT TO:<{name}>": "550 5.1.1 no" for name in recipients[::7]})
    with scripted_server(script) as peer:
        envelope, _ = deliver(pool, server_at(peer.port), recipients)
        assert len(peer.sessions[0].texts) == 1
    assert list(envelope.refused) == recipients[::7]
    assert envelope.accepted == tuple(name for name in recipients if name not in envelope.refused)


@pytest.mark.parametrize("offers", [(), ("PIPELINING",)])
@pytest.mark.parametrize("data", ["554 5.5.1 no valid recipients", "451 4.3.0 nobody"])
def test_where_nobody_is_accepted_the_connection_stays_good_for_the_next_message(
    pool: ConnectionPool, offers: tuple[str, ...], data: str
) -> None:
    with scripted_server(Script({**REFUSED, "DATA": data}, offers=offers)) as peer:
        with pool.connection(server_at(peer.port)) as connection:
            envelope = connection.envelope(SENDER, [RECIPIENT], len(TEXT))
            assert envelope.accepted == ()
            assert envelope.refused[RECIPIENT].judgement.verdict is Verdict.RECIPIENT_REFUSED
        assert pool.idle_count == 1
        pool.close()
        assert peer.sessions[0].verbs()[-2:] == ["RSET", "QUIT"]
        assert peer.sessions[0].texts == []


def test_a_server_that_wants_the_text_of_nobody_gets_a_dot_alone(pool: ConnectionPool) -> None:
    with scripted_server(Script({**REFUSED, ".": "554 5.5.1 no valid recipients"})) as peer:
        with pool.connection(server_at(peer.port)) as connection:
            assert connection.envelope(SENDER, [RECIPIENT], len(TEXT)).accepted == ()
        assert peer.sessions[0].texts == [b""]
        assert pool.idle_count == 1


@pytest.mark.parametrize("dot", ["250 2.0.0 thanks for nothing", "421 4.3.0 enough", Drop()])
def test_a_server_that_thanks_for_the_dot_of_nobody_is_left(pool: ConnectionPool, dot: str | Drop) -> None:
    with scripted_server(Script({**REFUSED, ".": dot})) as peer:
        with pool.connection(server_at(peer.port)) as connection:
            assert connection.envelope(SENDER, [RECIPIENT], len(TEXT)).accepted == ()
        assert pool.idle_count == 0


def test_no_dot_follows_a_refused_sender_even_if_recipients_are_accepted(pool: ConnectionPool) -> None:
    with scripted_server(Script({"MAIL": "550 5.1.8 not you"})) as peer:
        with pytest.raises(TransportFailure) as caught:
            deliver(pool, server_at(peer.port))
        assert (caught.value.phase, caught.value.judgement.verdict) == (Phase.MAIL, Verdict.MESSAGE_REFUSED)
        assert peer.sessions[0].closed.wait(5)
        assert (peer.sessions[0].texts, peer.sessions[0].unfinished) == ([], b"")


def test_an_address_named_twice_is_sent_once(pool: ConnectionPool) -> None:
    with scripted_server() as peer:
        envelope, _ = deliver(pool, server_at(peer.port), [RECIPIENT, RECIPIENT])
        assert peer.sessions[0].verbs().count("RCPT") == 1
    assert envelope.accepted == (RECIPIENT,)
