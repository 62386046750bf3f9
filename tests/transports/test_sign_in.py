from __future__ import annotations

import base64
import pickle
import traceback

import pytest

from settings_store.errors import MissingKey
from tasks.server import Basic, OAuth, Server
from tasks.transports.failure import TokenFailure, TransportFailure
from tasks.transports.phase import Phase
from tasks.transports.pool import ConnectionPool
from tasks.transports.sign_in import choose_mechanism
from tasks.verdict import Verdict
from tests.rigs.delivering import PATIENT, SENDER, always, basic, deliver, oauth, server_at
from tests.rigs.scripted_smtp import Drop, Script, scripted_server


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "offered, mechanism",
    [
        ("PLAIN LOGIN", "PLAIN"),
        ("login plain cram-md5", "PLAIN"),
        ("CRAM-MD5 LOGIN", "LOGIN"),
        ("CRAM-MD5 XOAUTH2 NTLM", None),
        ("", None),
    ],
)
def test_a_password_goes_by_plain_else_by_login(offered: str, mechanism: str | None) -> None:
    assert choose_mechanism(offered.split(), basic()) == mechanism


@pytest.mark.parametrize("offered, mechanism", [("PLAIN LOGIN XOAUTH2", "XOAUTH2"), ("PLAIN LOGIN", None)])
def test_a_token_goes_by_xoauth2_only(offered: str, mechanism: str | None) -> None:
    assert choose_mechanism(offered.split(), oauth()) == mechanism


def test_plain_is_one_line_in_utf8(pool: ConnectionPool) -> None:
    with scripted_server(Script(offers=("AUTH LOGIN PLAIN",))) as peer:
        deliver(pool, server_at(peer.port, sign_in=basic("jürgen", "Grüße, 世界")))
        assert peer.sessions[0].commands[1] == "AUTH PLAIN " + encoded("\0jürgen\0Grüße, 世界")


def test_login_is_three_lines_in_utf8(pool: ConnectionPool) -> None:
    with scripted_server(Script({"AUTH": "334 VXNlcm5hbWU6"}, offers=("AUTH=LOGIN",))) as peer:
        deliver(pool, server_at(peer.port, sign_in=basic("jürgen", "Grüße")))
        assert peer.sessions[0].commands[1:4] == ["AUTH LOGIN", encoded("jürgen"), encoded("Grüße")]


def test_xoauth2_is_one_line_with_mailbox_and_token() -> None:
    asked: list[Server] = []

    def source(server: Server, _refused: str = "", /) -> str:
        asked.append(server)
        return "eyJ0.token"

    pool = ConnectionPool(timeouts=PATIENT, token_source=source)
    with scripted_server(Script(offers=("AUTH PLAIN XOAUTH2",))) as peer:
        server = server_at(peer.port, sign_in=oauth())
        deliver(pool, server)
        deliver(pool, server)
        expected = encoded(f"user={SENDER}\x01auth=Bearer eyJ0.token\x01\x01")
        assert peer.sessions[0].commands[1] == f"AUTH XOAUTH2 {expected}"
        pool.close()
    assert asked == [server]


def test_the_reasons_of_a_refused_token_are_waited_for_and_answered_with_an_empty_line() -> None:
    pool = ConnectionPool(timeouts=PATIENT, token_source=always("stale"))
    script = Script(
        {"AUTH": "334 eyJzdGF0dXMiOiI0MDAifQ==", "AUTH 1": "535 5.7.3 Authentication unsuccessful"},
        offers=("AUTH XOAUTH2",),
    )
    with scripted_server(script) as peer:
        with pytest.raises(TransportFailure) as caught:
            deliver(pool, server_at(peer.port, sign_in=oauth()))
        assert peer.sessions[0].commands[2:] == [""]
    assert (caught.value.judgement.verdict, caught.value.phase) == (Verdict.MISCONFIGURED, Phase.AUTH)
    assert caught.value.reply is not None
    assert caught.value.reply.code == 535


def test_without_a_sign_in_auth_is_never_tried(pool: ConnectionPool) -> None:
    with scripted_server(Script(offers=("AUTH PLAIN LOGIN",))) as peer:
        deliver(pool, server_at(peer.port))
        assert "AUTH" not in peer.sessions[0].verbs()


@pytest.mark.parametrize("sign_in", [basic(), oauth()])
@pytest.mark.parametrize("offers", [(), ("AUTH CRAM-MD5 NTLM",), ("AUTH",)])
def test_a_sign_in_that_the_server_does_not_offer_is_misconfigured_in_words(
    pool: ConnectionPool, sign_in: Basic | OAuth, offers: tuple[str, ...]
) -> None:
    with scripted_server(Script(offers=offers)) as peer:
        with pytest.raises(TransportFailure) as caught:
            deliver(pool, server_at(peer.port, sign_in=sign_in))
        assert peer.sessions[0].verbs() == ["ehlo"]
    assert caught.value.judgement.verdict is Verdict.MISCONFIGURED
    assert "does not offer one that we speak" in caught.value.judgement.reason


@pytest.mark.parametrize(
    "refusal, verdict",
    [
        ("535 5.7.8 wrong", Verdict.MISCONFIGURED),
        ("504 5.5.4 not that mechanism", Verdict.MISCONFIGURED),
        ("454 4.7.0 Temporary authentication failure", Verdict.SERVER_DOWN),
        ("432 4.3.2 Concurrent connections limit exceeded", Verdict.THROTTLED),
        ("421 4.7.0 too many errors", Verdict.THROTTLED),
        ("250 2.0.0 fine", Verdict.SERVER_DOWN),
        (Drop(), Verdict.SERVER_DOWN),
    ],
)
def test_after_a_refusal_no_second_mechanism_is_tried(
    pool: ConnectionPool, refusal: str | Drop, verdict: Verdict
) -> None:
    with scripted_server(Script({"AUTH": refusal}, offers=("AUTH PLAIN LOGIN CRAM-MD5",))) as peer:
        with pytest.raises(TransportFailure) as caught:
            deliver(pool, server_at(peer.port, sign_in=basic()))
        assert peer.sessions[0].verbs() == ["ehlo", "AUTH"]
        assert len(peer.sessions) == 1
    assert (caught.value.judgement.verdict, caught.value.phase) == (verdict, Phase.AUTH)


def test_a_failed_sign_in_shows_neither_secret_nor_name(pool: ConnectionPool) -> None:
    refusal = "535 5.7.8 notify: open sesame is wrong"
    script = Script({"AUTH": refusal}, offers=("AUTH PLAIN",))
    with scripted_server(script) as peer, pytest.raises(TransportFailure) as caught:
        deliver(pool, server_at(peer.port, sign_in=basic()))
    failure = pickle.loads(pickle.dumps(caught.value))
    assert (failure.judgement, str(failure)) == (caught.value.judgement, "auth 535")
    told = "".join(traceback.format_exception(caught.value)) + repr(failure) + repr(failure.outcome)
    for secret in ("open sesame", encoded("open sesame"), encoded("\0notify\0open sesame"), "is wrong"):
        assert secret not in told


def test_a_user_that_login_refuses_keeps_the_password_here(pool: ConnectionPool) -> None:
    script = Script({"AUTH": "334 VXNlcm5hbWU6", "AUTH 1": "535 5.7.8 who"}, offers=("AUTH LOGIN",))
    with scripted_server(script) as peer:
        with pytest.raises(TransportFailure):
            deliver(pool, server_at(peer.port, sign_in=basic()))
        assert peer.sessions[0].commands[1:] == ["AUTH LOGIN", encoded("notify")]


@pytest.mark.parametrize(
    "user, password, words",
    [
        ("a\0b", "p", "the sign-in's user name holds a control character"),
        ("a\r\nb", "p", "the sign-in's user name holds a control character"),
        ("a", "p\0q", "the password holds a NUL character"),
        ("a", "p\udc80", "the sign-in holds a character that is no Unicode text"),
    ],
)
def test_credentials_that_cannot_be_sent_are_misconfigured_in_words(
    pool: ConnectionPool, user: str, password: str, words: str
) -> None:
    with scripted_server(Script(offers=("AUTH PLAIN",))) as peer:
        with pytest.raises(TransportFailure) as caught:
            deliver(pool, server_at(peer.port, sign_in=basic(user, password)))
        assert peer.sessions[0].verbs() == ["ehlo"]
    assert (caught.value.judgement.verdict, caught.value.judgement.reason) == (Verdict.MISCONFIGURED, words)


def test_a_token_with_a_control_character_is_not_sent() -> None:
    pool = ConnectionPool(timeouts=PATIENT, token_source=always("x\x01auth=Bearer y"))
    with scripted_server(Script(offers=("AUTH XOAUTH2",))) as peer:
        with pytest.raises(TransportFailure) as caught:
            deliver(pool, server_at(peer.port, sign_in=oauth()))
        assert peer.sessions[0].verbs() == ["ehlo"]
    assert caught.value.judgement.reason == "the token holds a control character"


@pytest.mark.parametrize(
    "error, verdict, seconds",
    [
        (TokenFailure("the client secret has expired"), Verdict.MISCONFIGURED, None),
        (TokenFailure("it is busy", transient=True), Verdict.SERVER_DOWN, None),
        (TokenFailure("it is busy", transient=True, retry_after_seconds=60), Verdict.SERVER_DOWN, 60),
        (ValueError("whatever a library raises: Bearer eyJ0"), Verdict.MISCONFIGURED, None),
    ],
)
def test_without_a_token_the_server_is_misconfigured_unless_one_may_come_later(
    error: Exception, verdict: Verdict, seconds: int | None
) -> None:
    def source(_server: Server, _refused: str = "", /) -> str:
        raise error

    pool = ConnectionPool(timeouts=PATIENT, token_source=source)
    with scripted_server(Script(offers=("AUTH XOAUTH2",))) as peer:
        with pytest.raises(TransportFailure) as caught:
            deliver(pool, server_at(peer.port, sign_in=oauth()))
        assert peer.sessions[0].verbs() == ["ehlo"]
    assert (caught.value.judgement.verdict, caught.value.phase) == (verdict, Phase.AUTH)
    assert caught.value.judgement.retry_after_seconds == seconds
    told = isinstance(error, TokenFailure)
    assert caught.value.judgement.reason == (str(error) if told else "no token was given for the sign-in")


def test_a_pool_without_a_token_source_has_no_tokens(pool: ConnectionPool) -> None:
    with scripted_server(Script(offers=("AUTH XOAUTH2",))) as peer, pytest.raises(TransportFailure) as caught:
        deliver(pool, server_at(peer.port, sign_in=oauth()))
    assert caught.value.judgement.verdict is Verdict.MISCONFIGURED


def test_a_secret_that_this_process_cannot_open_is_no_fault_of_the_server(pool: ConnectionPool) -> None:
    def unopened() -> str:
        raise MissingKey("primary_email.password", "k1")

    def no_token(_server: Server, _refused: str = "", /) -> str:
        return unopened()

    pool_with_tokens = ConnectionPool(timeouts=PATIENT, token_source=no_token)
    with scripted_server(Script(offers=("AUTH PLAIN XOAUTH2",))) as peer:
        with pytest.raises(MissingKey):
            deliver(pool, server_at(peer.port, sign_in=Basic("notify", unopened, "sealed")))
        with pytest.raises(MissingKey):
            deliver(pool_with_tokens, server_at(peer.port, sign_in=oauth()))
        assert all(session.closed.wait(5) for session in peer.sessions)
        assert [session.verbs() for session in peer.sessions] == [["ehlo"], ["ehlo"]]


def test_a_password_is_opened_only_when_the_server_offers_to_sign_in(pool: ConnectionPool) -> None:
    opened: list[str] = []

    def password() -> str:
        opened.append("opened")
        return "open sesame"

    sign_in = Basic("notify", password, "sealed")
    with scripted_server(Script(), Script(offers=("AUTH PLAIN",))) as peer:
        server = server_at(peer.port, sign_in=sign_in)
        with pytest.raises(TransportFailure):
            deliver(pool, server)
        assert opened == []
        deliver(pool, server)
        deliver(pool, server)
    assert opened == ["opened"]
