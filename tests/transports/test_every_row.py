"""Each row of the verdict table once, with a server that really behaves so."""

from __future__ import annotations

import pytest

from tasks.transports.failure import TransportFailure
from tasks.transports.phase import Phase
from tasks.transports.pool import ConnectionPool
from tasks.verdict import Scope, Verdict
from tests.rigs.delivering import RECIPIENT, SENDER, TEXT, basic, deliver, server_at
from tests.rigs.scripted_smtp import Drop, Script, scripted_server


def test_row_1_no_reply_to_the_dot_is_uncertain(pool: ConnectionPool) -> None:
    with scripted_server(Script({".": Drop()})) as peer:
        with pytest.raises(TransportFailure) as caught:
            deliver(pool, server_at(peer.port))
        assert peer.sessions[0].texts == [TEXT]
    assert (caught.value.judgement.verdict, caught.value.phase) == (Verdict.UNCERTAIN, Phase.FINAL)
    assert caught.value.reply is None


@pytest.mark.parametrize("offers", [(), ("PIPELINING",)])
@pytest.mark.parametrize("fault", [Drop(), Drop("421 4.4.2 timeout"), "530 5.7.57 who are you"])
@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA"])
def test_row_2_a_reused_connection_that_fails_is_stale_and_a_fresh_one_delivers(
    pool: ConnectionPool, step: str, fault: Drop | str, offers: tuple[str, ...]
) -> None:
    # The first message goes well; what is scripted comes on the second one over the same connection.
    first = Script(later={step: fault}, offers=offers)
    with scripted_server(first, Script(offers=offers)) as peer:
        server = server_at(peer.port)
        deliver(pool, server)
        with pytest.raises(TransportFailure) as caught:
            deliver(pool, server)
        assert caught.value.judgement.verdict is Verdict.STALE_CONNECTION
        assert caught.value.reused
        deliver(pool, server, fresh=True)
        assert [len(session.texts) for session in peer.sessions] == [1, 1]


def test_row_3_a_refused_sign_in_is_misconfigured(pool: ConnectionPool) -> None:
    script = Script({"AUTH": "535 5.7.8 Error: authentication failed"}, offers=("AUTH PLAIN LOGIN",))
    with scripted_server(script) as peer, pytest.raises(TransportFailure) as caught:
        deliver(pool, server_at(peer.port, sign_in=basic()))
    assert (caught.value.judgement.verdict, caught.value.phase) == (Verdict.MISCONFIGURED, Phase.AUTH)


def test_row_4_a_limit_is_throttled_with_the_wait_that_was_named(pool: ConnectionPool) -> None:
    script = Script({".": "432 4.3.2 Concurrent connections limit exceeded, retry after 20 seconds"})
    with scripted_server(script) as peer, pytest.raises(TransportFailure) as caught:
        deliver(pool, server_at(peer.port))
    assert caught.value.judgement.verdict is Verdict.THROTTLED
    assert caught.value.judgement.retry_after_seconds == 20


def test_row_5_a_lost_connection_is_a_server_down(pool: ConnectionPool) -> None:
    with scripted_server(Script({"MAIL": Drop()})) as peer, pytest.raises(TransportFailure) as caught:
        deliver(pool, server_at(peer.port))
    assert (caught.value.judgement.verdict, caught.value.phase) == (Verdict.SERVER_DOWN, Phase.MAIL)
    assert not caught.value.reused


@pytest.mark.parametrize("offers", [(), ("PIPELINING",)])
def test_rows_6_to_8_speak_of_each_recipient_and_the_others_get_the_text(
    pool: ConnectionPool, offers: tuple[str, ...]
) -> None:
    script = Script(
        {
            "RCPT TO:<gone@corp.test>": "550 5.1.1 no such user",
            "RCPT TO:<slow@corp.test>": "450 4.2.0 busy, try again in 2 minutes",
            "RCPT TO:<more@corp.test>": "452 4.5.3 too many recipients",
        },
        offers=offers,
    )
    recipients = ["gone@corp.test", "slow@corp.test", RECIPIENT, "more@corp.test"]
    with scripted_server(script) as peer:
        with pool.connection(server_at(peer.port)) as connection:
            envelope = connection.envelope(SENDER, recipients, len(TEXT))
            connection.message([TEXT])
        assert peer.sessions[0].texts == [TEXT]
    assert envelope.accepted == (RECIPIENT,)
    said = {
        name.split("@")[0]: (
            refusal.judgement.verdict,
            refusal.judgement.scope,
            refusal.reply and refusal.reply.code,
        )
        for name, refusal in envelope.refused.items()
    }
    assert said == {
        "gone": (Verdict.RECIPIENT_REFUSED, Scope.RECIPIENT, 550),
        "slow": (Verdict.RECIPIENT_WAITS, Scope.RECIPIENT, 450),
        "more": (Verdict.TOO_MANY, Scope.RECIPIENT, 452),
    }


@pytest.mark.parametrize("step", ["MAIL", "DATA", "."])
@pytest.mark.parametrize(
    "reply, verdict",
    [("451 4.3.0 later", Verdict.MESSAGE_WAITS), ("554 5.6.0 never", Verdict.MESSAGE_REFUSED)],
)
def test_rows_9_and_10_speak_of_the_message(
    pool: ConnectionPool, step: str, reply: str, verdict: Verdict
) -> None:
    with scripted_server(Script({step: reply})) as peer, pytest.raises(TransportFailure) as caught:
        deliver(pool, server_at(peer.port))
    assert (caught.value.judgement.verdict, caught.value.judgement.scope) == (verdict, Scope.MESSAGE)
    assert caught.value.reply is not None
    assert caught.value.reply.code == int(reply[:3])


def test_row_11_a_yes_to_the_dot_is_delivered_and_the_queue_id_is_kept(pool: ConnectionPool) -> None:
    script = Script({".": "250-2.6.0 taken over\n250 2.6.0 queued as 4F2A <i\xe4d@x>"})
    with scripted_server(script) as peer:
        envelope, reply = deliver(pool, server_at(peer.port))
    assert envelope.accepted == (RECIPIENT,)
    assert (reply.code, str(reply.enhanced)) == (250, "2.6.0")
    assert reply.text == "taken over queued as 4F2A <i\xe4d@x>"
