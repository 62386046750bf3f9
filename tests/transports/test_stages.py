"""Every fault at every stage, over a real socket."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from tasks.transports.failure import TransportFailure
from tasks.transports.phase import Phase
from tasks.transports.pool import ConnectionPool
from tasks.verdict import Verdict
from tests.rigs.delivering import SENDER, TEXT, deliver, server_at
from tests.rigs.scripted_smtp import Action, Drip, Drop, Later, Raw, Script, Silence, scripted_server

STAGES = [
    ("GREETING", Phase.GREETING),
    ("EHLO", Phase.EHLO),
    ("MAIL", Phase.MAIL),
    ("RCPT", Phase.RCPT),
    ("DATA", Phase.DATA),
    (".", Phase.FINAL),
]
SLOW: list[Action] = [
    Silence(),
    Drip("250 2.0.0 this takes a very long time to say", pause_seconds=0.05),
]
LOSSES: list[Action] = [
    Drop(),
    Raw(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
    Raw(b"250-one\r\n350 two\r\n"),
    Raw(b"\xff\xfe\x00\r\n"),
    Raw(b"\r\n"),
    Raw(b"999999 what\r\n"),
]


@pytest.mark.parametrize("offers", [(), ("PIPELINING",)], ids=["steps", "pipelined"])
@pytest.mark.parametrize("fault", LOSSES, ids=lambda fault: type(fault).__name__)
@pytest.mark.parametrize("step, phase", STAGES)
def test_a_connection_that_is_lost_says_in_which_phase(
    pool: ConnectionPool, step: str, phase: Phase, fault: Action, offers: tuple[str, ...]
) -> None:
    script = Script({step: fault}, offers=offers)
    with scripted_server(script) as peer, pytest.raises(TransportFailure) as caught:
        deliver(pool, server_at(peer.port))
    assert caught.value.phase is phase
    expected = Verdict.UNCERTAIN if phase is Phase.FINAL else Verdict.SERVER_DOWN
    assert caught.value.judgement.verdict is expected
    assert pool.idle_count == 0


@pytest.mark.parametrize("fault", SLOW, ids=lambda fault: type(fault).__name__)
@pytest.mark.parametrize("step, phase", STAGES)
def test_a_reply_that_takes_too_long_as_a_whole_says_in_which_phase(
    impatient_pool: ConnectionPool, step: str, phase: Phase, fault: Action
) -> None:
    with scripted_server(Script({step: fault})) as peer, pytest.raises(TransportFailure) as caught:
        deliver(impatient_pool, server_at(peer.port))
    assert str(caught.value) == f"{phase.value} timeout"
    expected = Verdict.UNCERTAIN if phase is Phase.FINAL else Verdict.SERVER_DOWN
    assert caught.value.judgement.verdict is expected
    assert impatient_pool.idle_count == 0


@pytest.mark.parametrize("offers", [(), ("PIPELINING",)], ids=["steps", "pipelined"])
@pytest.mark.parametrize("step, phase", STAGES)
def test_421_says_in_which_phase_the_server_left(
    pool: ConnectionPool, step: str, phase: Phase, offers: tuple[str, ...]
) -> None:
    script = Script({step: "421 4.3.0 leaving"}, offers=offers)
    with scripted_server(script) as peer, pytest.raises(TransportFailure) as caught:
        deliver(pool, server_at(peer.port))
    assert (caught.value.phase, caught.value.judgement.verdict) == (phase, Verdict.SERVER_DOWN)
    assert str(caught.value) == f"{phase.value} 421"


@pytest.mark.parametrize("reply", ["450 4.3.0 no", "554 5.3.0 no"])
@pytest.mark.parametrize("step, phase", STAGES[:2])
def test_a_refusal_of_greeting_or_ehlo_is_a_server_down(
    pool: ConnectionPool, step: str, phase: Phase, reply: str
) -> None:
    with scripted_server(Script({step: reply})) as peer, pytest.raises(TransportFailure) as caught:
        deliver(pool, server_at(peer.port))
    assert (caught.value.phase, caught.value.judgement.verdict) == (phase, Verdict.SERVER_DOWN)


def test_a_server_that_greets_late_but_in_time_is_waited_for(pool: ConnectionPool) -> None:
    greet = threading.Event()
    with scripted_server(Script({"GREETING": Later(greet, "220 good morning")})) as peer:
        threading.Timer(0.1, greet.set).start()
        _, reply = deliver(pool, server_at(peer.port))
    assert reply.code == 250


def test_a_reply_that_drips_in_time_is_waited_for(pool: ConnectionPool) -> None:
    with scripted_server(Script({".": Drip("250 2.0.0 slow", pause_seconds=0.005)})) as peer:
        _, reply = deliver(pool, server_at(peer.port))
    assert reply.text == "slow"


def test_a_late_reply_never_meets_the_next_command(impatient_pool: ConnectionPool) -> None:
    answer = threading.Event()
    with scripted_server(Script({"MAIL": Later(answer, "250 2.1.0 for the first mail")}), Script()) as peer:
        with impatient_pool.connection(server_at(peer.port)) as connection:
            with pytest.raises(TransportFailure) as caught:
                connection.envelope(SENDER, ["a@corp.test"], len(TEXT))
            answer.set()
            with pytest.raises(TransportFailure) as again:
                connection.envelope(SENDER, ["b@corp.test"], len(TEXT))
        assert (caught.value.phase, again.value.phase) == (Phase.MAIL, Phase.MAIL)
        peer.sessions[0].closed.wait(5)
        assert not any("b@corp.test" in command for command in peer.sessions[0].commands)


@pytest.mark.parametrize(
    "last_words, verdict, code",
    [
        ("", Verdict.SERVER_DOWN, None),
        ("421 4.3.0 shutting down", Verdict.SERVER_DOWN, 421),
        ("452 4.3.1 disk full", Verdict.MESSAGE_WAITS, 452),
        ("552 5.3.4 too big after all", Verdict.MESSAGE_REFUSED, 552),
        ("250 2.0.0 thanks, but there was no dot", Verdict.SERVER_DOWN, 250),
    ],
)
def test_a_server_that_leaves_within_the_text_is_surely_not_delivered(
    pool: ConnectionPool, last_words: str, verdict: Verdict, code: int | None
) -> None:
    with scripted_server(Script({"TEXT": Drop(last_words)})) as peer:

        def text() -> Iterator[bytes]:
            assert peer.sessions[0].closed.wait(10)
            yield TEXT

        with pytest.raises(TransportFailure) as caught:
            deliver(pool, server_at(peer.port), chunks=text())
        assert peer.sessions[0].texts == []
    assert (caught.value.phase, caught.value.judgement.verdict) == (Phase.BODY, verdict)
    assert (caught.value.reply.code if caught.value.reply else None) == code


def test_a_server_that_stops_reading_the_text_times_out_within_it(impatient_pool: ConnectionPool) -> None:
    megabytes = 32
    with scripted_server(Script({"TEXT": Silence()})) as peer, pytest.raises(TransportFailure) as caught:
        deliver(impatient_pool, server_at(peer.port), chunks=(bytes(1 << 20) for _ in range(megabytes)))
    assert (caught.value.phase, caught.value.judgement.verdict) == (Phase.BODY, Verdict.SERVER_DOWN)


@pytest.mark.parametrize(
    "step, phase, reply",
    [
        ("DATA", Phase.DATA, "250 2.0.0 what for"),
        ("DATA", Phase.DATA, "350 hm"),
        ("MAIL", Phase.MAIL, "354 go ahead"),
        ("RCPT", Phase.RCPT, "354 go ahead"),
        ("RCPT", Phase.RCPT, "199 hm"),
    ],
)
def test_a_reply_that_answers_something_else_ends_the_connection(
    pool: ConnectionPool, step: str, phase: Phase, reply: str
) -> None:
    with scripted_server(Script({step: reply})) as peer, pytest.raises(TransportFailure) as caught:
        deliver(pool, server_at(peer.port))
    assert (caught.value.phase, caught.value.judgement.verdict) == (phase, Verdict.SERVER_DOWN)
    assert pool.idle_count == 0


def test_a_failure_shows_stage_and_code_and_nothing_else(pool: ConnectionPool) -> None:
    script = Script({"MAIL": "550 5.1.8 <notify@corp.test> secret words"})
    with scripted_server(script) as peer, pytest.raises(TransportFailure) as caught:
        deliver(pool, server_at(peer.port))
    failure = caught.value
    assert (str(failure), repr(failure)) == ("mail 550", "TransportFailure(mail 550)")
    assert failure.__suppress_context__ or failure.__context__ is None
    assert failure.reply is not None
    assert "secret words" in failure.reply.text
    assert "secret words" not in repr(failure.reply) + repr(failure.outcome) + repr(failure.judgement)
