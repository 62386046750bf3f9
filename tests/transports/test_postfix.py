"""Against a real mail server; what counts is what landed in its Maildir."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.server import Basic, Server, Tls
from tasks.transports.envelope import Envelope
from tasks.transports.failure import TransportFailure
from tasks.transports.phase import Phase
from tasks.transports.pool import ConnectionPool
from tasks.transports.trust import Trust
from tasks.verdict import Verdict
from tests.rigs.certificates import Certificates
from tests.rigs.delivering import PATIENT, SENDER, always, basic, deliver, oauth, server_at
from tests.rigs.postfix import (
    MAILBOX,
    PASSWORD,
    SIZE_BYTES,
    UMLAUT_MAILBOX,
    UMLAUT_PASSWORD,
    UMLAUT_USER,
    USER,
    Postfix,
)
from tests.rigs.processes import wait_until

ELSEWHERE = "boss@elsewhere.test"
LOST = "lost connection after DATA"
SIGN_IN = basic(USER, PASSWORD)


def marked(body: bytes = b"The nightly job failed.\r\n") -> tuple[str, bytes]:
    """A text that can be told from all others."""
    mark = uuid.uuid4().hex
    return mark, f"Subject: {mark}\r\nX-Test: yes\r\n\r\n".encode() + body


def submission(postfix: Postfix, sign_in: Basic | None = SIGN_IN) -> Server:
    return server_at(postfix.submission_port, host="localhost", tls=Tls.STARTTLS, sign_in=sign_in)


@dataclass(frozen=True)
class Door:
    """One of the server's ports, and what a sign-in there comes out as."""

    port: str
    tls: Tls
    method: str


@pytest.mark.parametrize("user, password", [(USER, PASSWORD), (UMLAUT_USER, UMLAUT_PASSWORD)])
@pytest.mark.parametrize(
    "door",
    [
        Door("submission_port", Tls.STARTTLS, "PLAIN"),
        Door("login_port", Tls.STARTTLS, "LOGIN"),
        Door("implicit_port", Tls.IMPLICIT, "PLAIN"),
    ],
)
def test_mail_is_taken_over_after_a_sign_in_over_tls(
    postfix: Postfix, trusting_pool: ConnectionPool, door: Door, user: str, password: str
) -> None:
    mark, text = marked()
    server = server_at(
        getattr(postfix, door.port), host="localhost", tls=door.tls, sign_in=basic(user, password)
    )
    _, reply = deliver(trusting_pool, server, [MAILBOX], [text], size_bytes=len(text))
    queue_id = reply.text.rpartition(" ")[2]
    assert reply.text == f"Ok: queued as {queue_id}"
    told = f"{queue_id}: client=localhost[127.0.0.1], sasl_method={door.method}, sasl_username={user}"
    wait_until(lambda: told in postfix.maillog, what=told)
    assert len(postfix.arrived(mark)) == 1


def test_a_wrong_password_is_exactly_one_failed_sign_in(
    postfix: Postfix, trusting_pool: ConnectionPool
) -> None:
    before = postfix.failed_sign_ins()
    with pytest.raises(TransportFailure) as caught:
        deliver(trusting_pool, submission(postfix, basic(USER, "wrong")), [MAILBOX])
    assert (caught.value.judgement.verdict, caught.value.phase) == (Verdict.MISCONFIGURED, Phase.AUTH)
    assert str(caught.value) == "auth 535"
    # The next one is counted after the first, so a second attempt of the first would have been seen.
    with pytest.raises(TransportFailure):
        deliver(trusting_pool, submission(postfix, basic(USER, "wrong again")), [MAILBOX])
    wait_until(lambda: postfix.failed_sign_ins() >= before + 2, what="two failed sign-ins")
    assert postfix.failed_sign_ins() == before + 2


def token_pool(certificates: Certificates, token: str) -> ConnectionPool:
    return ConnectionPool(timeouts=PATIENT, trust=Trust(certificates.bundle), token_source=always(token))


def test_a_token_signs_the_mailbox_in(postfix: Postfix, certificates: Certificates) -> None:
    mark, text = marked()
    pool = token_pool(certificates, postfix.token(SENDER))
    server = server_at(postfix.implicit_port, host="localhost", tls=Tls.IMPLICIT, sign_in=oauth(SENDER))
    deliver(pool, server, [MAILBOX], [text])
    pool.close()
    assert len(postfix.arrived(mark)) == 1
    wait_until(lambda: f"sasl_method=XOAUTH2, sasl_username={SENDER}" in postfix.maillog, what="the sign-in")


@pytest.mark.parametrize("mailbox, valid_seconds", [(SENDER, -60), ("somebody@corp.test", 600)])
def test_a_token_that_ran_out_or_is_for_another_mailbox_is_refused_once(
    postfix: Postfix, certificates: Certificates, mailbox: str, valid_seconds: int
) -> None:
    before = postfix.failed_sign_ins()
    pool = token_pool(certificates, postfix.token(mailbox, valid_seconds=valid_seconds))
    server = server_at(postfix.implicit_port, host="localhost", tls=Tls.IMPLICIT, sign_in=oauth(SENDER))
    with pytest.raises(TransportFailure) as caught:
        deliver(pool, server, [MAILBOX])
    assert (str(caught.value), caught.value.judgement.verdict) == ("auth 535", Verdict.MISCONFIGURED)
    wait_until(lambda: postfix.failed_sign_ins() > before, what="the failed sign-in")
    assert postfix.failed_sign_ins() == before + 1


def ending_of(message: bytes) -> bytes:
    """What we sent of a message in the Maildir, which has Unix line ends and the server's headers first."""
    return message[message.index(b"X-Test: yes\n") :]


def test_any_bytes_arrive_exactly(postfix: Postfix, pool: ConnectionPool) -> None:
    body = b".\r\n..\r\n.dot\r\n\r\n" + bytes(range(256)).replace(b"\r", b"").replace(b"\n", b"") * 20
    mark, text = marked(body + b"\r\nFrom here\r\n.")
    deliver(pool, server_at(postfix.plain_port), [MAILBOX], [text[:70], text[70:71], text[71:]])
    (message,) = postfix.arrived(mark)
    assert ending_of(message) == b"X-Test: yes\n\n" + body.replace(b"\r\n", b"\n") + b"\nFrom here\n.\n"


PARTS = st.sampled_from([b".", b"..", b"\r", b"\n", b"\r\n", b"\r\n.\r\n", b"a", b"\0", b"\xff", b" ", b"\t"])
BODIES = st.lists(st.one_of(PARTS, st.binary(max_size=20)), max_size=20)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bodies=st.lists(BODIES, min_size=4, max_size=4))
def test_any_text_cut_anyhow_arrives_with_the_line_ends_of_smtp(
    postfix: Postfix, pool: ConnectionPool, bodies: list[list[bytes]]
) -> None:
    expected: dict[str, bytes] = {}
    for parts in bodies:
        mark, head = marked(b"")
        deliver(pool, server_at(postfix.plain_port), [MAILBOX], [head, *parts])
        body = b"".join(parts).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        expected[mark] = body if body.endswith(b"\n") or not body else body + b"\n"
    for mark, body in expected.items():
        (message,) = postfix.arrived(mark)
        assert ending_of(message) == b"X-Test: yes\n\n" + body


def test_a_large_text_arrives_exactly(postfix: Postfix, trusting_pool: ConnectionPool) -> None:
    line = b"." + b"0123456789abcdef" * 4 + b"\r\n"
    mark, text = marked(line * 20_000)
    deliver(
        trusting_pool,
        submission(postfix),
        [MAILBOX],
        (text[start : start + 10_007] for start in range(0, len(text), 10_007)),
        size_bytes=len(text),
    )
    (message,) = postfix.arrived(mark)
    assert ending_of(message) == b"X-Test: yes\n\n" + line.replace(b"\r\n", b"\n") * 20_000


@pytest.mark.parametrize("tls", [Tls.NONE, Tls.STARTTLS])
def test_a_text_cut_before_the_dot_lands_nowhere(
    postfix: Postfix, trusting_pool: ConnectionPool, tls: Tls
) -> None:
    mark, text = marked()

    def failing() -> Iterator[bytes]:
        yield text + b"x" * 300_000
        raise FileNotFoundError

    server = submission(postfix) if tls is Tls.STARTTLS else server_at(postfix.plain_port)
    losses = postfix.maillog.count(LOST)
    with pytest.raises(FileNotFoundError):
        deliver(trusting_pool, server, [MAILBOX], failing())
    wait_until(
        lambda: postfix.maillog.count("lost connection after DATA") > losses, what="the server noticing"
    )
    # What is sent afterwards arrives, and the cut text did not arrive before it.
    later, text = marked()
    deliver(trusting_pool, server, [MAILBOX], [text])
    postfix.arrived(later)
    assert not [message for message in postfix.messages() if mark.encode() in message]


def test_an_aborted_envelope_lands_nowhere(postfix: Postfix, pool: ConnectionPool) -> None:
    losses = postfix.maillog.count(LOST)
    arrived = len(postfix.messages())
    with pool.connection(server_at(postfix.plain_port)) as connection:
        assert connection.envelope(SENDER, [MAILBOX], 100).accepted == (MAILBOX,)
        connection.abort()
    wait_until(
        lambda: postfix.maillog.count("lost connection after DATA") > losses, what="the server noticing"
    )
    assert len(postfix.messages()) == arrived


def test_a_text_whose_reply_nobody_waited_for_lands_all_the_same(
    postfix: Postfix, pool: ConnectionPool
) -> None:
    """Why silence after the dot is uncertain, and never "not sent"."""
    mark, text = marked()
    with pool.connection(server_at(postfix.plain_port)) as connection:
        connection.envelope(SENDER, [MAILBOX], len(text))
        connection._client.send(text + b".\r\n")
        connection.abort()
    assert len(postfix.arrived(mark)) == 1


def envelope_of(pool: ConnectionPool, server: Server, *recipients: str) -> Envelope:
    with pool.connection(server) as connection:
        return connection.envelope(SENDER, recipients, 100)


def test_relaying_is_denied_to_strangers_and_allowed_after_a_sign_in(
    postfix: Postfix, trusting_pool: ConnectionPool
) -> None:
    mark, text = marked()
    envelope, _ = deliver(trusting_pool, server_at(postfix.plain_port), [ELSEWHERE, MAILBOX], [text])
    assert envelope.accepted == (MAILBOX,)
    assert envelope.refused[ELSEWHERE].judgement.verdict is Verdict.MISCONFIGURED
    assert len(postfix.arrived(mark)) == 1
    envelope, _ = deliver(trusting_pool, submission(postfix), [ELSEWHERE, MAILBOX], [text])
    assert envelope.accepted == (ELSEWHERE, MAILBOX)


def test_unknown_recipients_are_refused_and_the_connection_goes_on(
    postfix: Postfix, pool: ConnectionPool
) -> None:
    server = server_at(postfix.plain_port)
    with pool.connection(server) as connection:
        for _ in range(3):
            envelope = connection.envelope(SENDER, ["a@corp.test", "b@corp.test"], 100)
            assert envelope.accepted == ()
            verdicts = {refusal.judgement.verdict for refusal in envelope.refused.values()}
            assert verdicts == {Verdict.RECIPIENT_REFUSED}
        mark, text = marked()
        assert connection.envelope(SENDER, ["a@corp.test", MAILBOX], 100).accepted == (MAILBOX,)
        connection.message([text])
    assert len(postfix.arrived(mark)) == 1


def test_a_door_that_wants_tls_or_a_sign_in_is_misconfigured_without(
    postfix: Postfix, trusting_pool: ConnectionPool
) -> None:
    with pytest.raises(TransportFailure) as caught:
        deliver(trusting_pool, server_at(postfix.submission_port), [MAILBOX])
    assert (str(caught.value), caught.value.judgement.verdict) == ("mail 530", Verdict.MISCONFIGURED)
    with pytest.raises(TransportFailure) as caught:
        deliver(trusting_pool, server_at(postfix.plain_port, sign_in=SIGN_IN), [MAILBOX])
    assert (str(caught.value), caught.value.judgement.verdict) == ("auth auth_missing", Verdict.MISCONFIGURED)
    envelope = envelope_of(trusting_pool, submission(postfix, sign_in=None), MAILBOX)
    assert envelope.refused[MAILBOX].judgement.verdict is Verdict.MISCONFIGURED


def test_the_servers_size_is_respected_before_and_learnt_after_sending(
    postfix: Postfix, pool: ConnectionPool
) -> None:
    server = server_at(postfix.plain_port)
    with pytest.raises(TransportFailure) as caught:
        deliver(pool, server, [MAILBOX], size_bytes=SIZE_BYTES + 1)
    assert (str(caught.value), caught.value.judgement.verdict) == ("mail too_large", Verdict.MESSAGE_REFUSED)
    _, text = marked(b"x" * 998 + b"\r\n")
    with pytest.raises(TransportFailure) as caught:
        deliver(pool, server, [MAILBOX], [text, *[b"x" * 998 + b"\r\n"] * 2100], size_bytes=0)
    assert (str(caught.value), caught.value.judgement.verdict) == ("final 552", Verdict.MESSAGE_REFUSED)


def test_a_non_ascii_mailbox_gets_its_mail(postfix: Postfix, pool: ConnectionPool) -> None:
    mark, text = marked()
    deliver(pool, server_at(postfix.plain_port), [UMLAUT_MAILBOX], [text])
    assert len(postfix.arrived(mark)) == 1


def test_a_connection_is_used_for_many_messages(postfix: Postfix, trusting_pool: ConnectionPool) -> None:
    marks = []
    for _ in range(20):
        mark, text = marked()
        deliver(trusting_pool, submission(postfix), [MAILBOX, ELSEWHERE], [text], size_bytes=len(text))
        marks.append(mark)
    assert trusting_pool.idle_count == 1
    for mark in marks:
        assert len(postfix.arrived(mark)) == 1
