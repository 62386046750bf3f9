"""Faults of a server that is not ours: Postfix's smtp-sink."""

from __future__ import annotations

import pytest

from tasks.transports.failure import TransportFailure
from tasks.transports.phase import Phase
from tasks.transports.pool import ConnectionPool
from tasks.verdict import Verdict
from tests.rigs.delivering import RECIPIENT, SENDER, TEXT, deliver, server_at
from tests.rigs.smtp_sink import smtp_sink

PHASES = {
    "CONNECT": Phase.GREETING,
    "EHLO": Phase.EHLO,
    "MAIL": Phase.MAIL,
    "RCPT": Phase.RCPT,
    "DATA": Phase.DATA,
    ".": Phase.FINAL,
}


def test_messages_follow_each_other_over_one_connection(pool: ConnectionPool) -> None:
    with smtp_sink() as port:
        for _ in range(5):
            _, reply = deliver(pool, server_at(port))
            assert reply.code == 250
        assert pool.idle_count == 1


@pytest.mark.parametrize("command", PHASES)
def test_a_hang_up_is_told_by_its_phase(pool: ConnectionPool, command: str) -> None:
    with smtp_sink("-q", command) as port, pytest.raises(TransportFailure) as caught:
        deliver(pool, server_at(port))
    assert caught.value.phase is PHASES[command]
    assert caught.value.judgement.verdict is (Verdict.UNCERTAIN if command == "." else Verdict.SERVER_DOWN)


@pytest.mark.parametrize("command", PHASES)
def test_421_is_a_server_down_in_every_phase(pool: ConnectionPool, command: str) -> None:
    with smtp_sink("-Q", command) as port, pytest.raises(TransportFailure) as caught:
        deliver(pool, server_at(port))
    assert (caught.value.phase, caught.value.judgement.verdict) == (PHASES[command], Verdict.SERVER_DOWN)


@pytest.mark.parametrize(
    "option, reply, verdict",
    [("-r", 450, Verdict.MESSAGE_WAITS), ("-f", 500, Verdict.MESSAGE_REFUSED)],
)
@pytest.mark.parametrize("command", ["CONNECT", "EHLO", "MAIL", "DATA", "."])
def test_a_refusal_speaks_of_the_server_first_and_of_the_message_later(
    pool: ConnectionPool, command: str, option: str, reply: int, verdict: Verdict
) -> None:
    with smtp_sink(option, command) as port, pytest.raises(TransportFailure) as caught:
        deliver(pool, server_at(port))
    assert caught.value.phase is PHASES[command]
    assert caught.value.reply is not None
    assert caught.value.reply.code == reply
    expected = Verdict.SERVER_DOWN if command in {"CONNECT", "EHLO"} else verdict
    assert caught.value.judgement.verdict is expected


@pytest.mark.parametrize(
    "option, verdict", [("-r", Verdict.RECIPIENT_WAITS), ("-f", Verdict.RECIPIENT_REFUSED)]
)
def test_a_refused_recipient_leaves_the_connection_good(
    pool: ConnectionPool, option: str, verdict: Verdict
) -> None:
    with smtp_sink(option, "RCPT") as port, pool.connection(server_at(port)) as connection:
        for _ in range(2):
            envelope = connection.envelope(SENDER, [RECIPIENT], len(TEXT))
            assert envelope.accepted == ()
            assert envelope.refused[RECIPIENT].judgement.verdict is verdict


def test_a_server_that_aborts_a_text_it_is_being_sent_refused_it(pool: ConnectionPool) -> None:
    text = (b"x" * 1000 + b"\r\n" for _ in range(20_000))
    with smtp_sink("-A", "0") as port, pytest.raises(TransportFailure) as caught:
        deliver(pool, server_at(port), chunks=text)
    assert caught.value.phase is Phase.BODY
    assert caught.value.judgement.verdict in {Verdict.MESSAGE_REFUSED, Verdict.SERVER_DOWN}
