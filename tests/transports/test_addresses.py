from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.server import Server
from tasks.transports.address import address_fault
from tasks.transports.failure import InvalidLocalHostname, TransportFailure
from tasks.transports.local_hostname import local_hostname
from tasks.transports.pool import ConnectionPool
from tasks.verdict import Verdict
from tests.rigs.delivering import RECIPIENT, SENDER, TEXT, deliver, server_at
from tests.rigs.scripted_smtp import Script, scripted_server

HOSTILE = [
    "a@b\r\nDATA",
    "a@b\nRSET",
    "a@b\rRSET",
    "a@b\0",
    "a@b> SIZE=1",
    "<a@b",
    "a b@c",
    "a@b\u2028c",
    "a@b\x85",
    "a@\udc80",
    "",
    "x" * 250 + "@corp.test",
]


@pytest.mark.parametrize("address", HOSTILE)
def test_a_recipient_that_could_break_a_command_is_refused_before_it_is_sent(
    pool: ConnectionPool, address: str
) -> None:
    with scripted_server() as peer:
        envelope, _ = deliver(pool, server_at(peer.port), [address, RECIPIENT])
        pool.close()
        assert peer.sessions[0].verbs() == ["ehlo", "MAIL", "RCPT", "DATA", "QUIT"]
    refusal = envelope.refused[address]
    assert (refusal.judgement.verdict, refusal.reply) == (Verdict.RECIPIENT_REFUSED, None)
    assert refusal.judgement.reason.startswith("the recipient's address ")
    assert not address or address not in refusal.judgement.reason


@pytest.mark.parametrize("address", HOSTILE)
def test_a_sender_that_could_break_a_command_is_misconfigured_before_it_is_sent(
    pool: ConnectionPool, address: str
) -> None:
    with scripted_server() as peer:
        with pytest.raises(TransportFailure) as caught, pool.connection(server_at(peer.port)) as connection:
            connection.envelope(address, [RECIPIENT], len(TEXT))
        assert peer.sessions[0].verbs() == ["ehlo"]
    assert caught.value.judgement.verdict is Verdict.MISCONFIGURED
    assert caught.value.judgement.reason.startswith("the sender's address ")


@pytest.mark.parametrize(
    "host, port", [("", 25), ("a\r\nb", 25), ("a b", 25), (".corp.test", 25), ("a..b", 25), ("x" * 64, 25)]
)
def test_a_host_that_is_no_name_is_misconfigured_before_anything_is_asked(
    pool: ConnectionPool, host: str, port: int
) -> None:
    with pytest.raises(TransportFailure) as caught:
        deliver(pool, Server(name="primary_email", host=host, port=port))
    assert caught.value.judgement.verdict is Verdict.MISCONFIGURED
    assert str(caught.value) == "resolve server_address"


@pytest.mark.parametrize("port", [0, -1, 65_536])
def test_a_port_that_is_none_is_misconfigured(pool: ConnectionPool, port: int) -> None:
    with pytest.raises(TransportFailure) as caught:
        deliver(pool, server_at(port))
    assert caught.value.judgement.verdict is Verdict.MISCONFIGURED


@given(st.text(max_size=30))
def test_whatever_passes_cannot_end_the_path_early(address: str) -> None:
    if not address_fault(address):
        line = f"RCPT TO:<{address}>".encode()
        assert b"\r" not in line
        assert b"\n" not in line
        assert (line.count(b"<"), line.count(b">"), line.count(b" ")) == (1, 1, 1)


UMLAUT = "jürgen@corp.test"


def test_a_non_ascii_recipient_is_sent_as_utf8_where_the_server_offers_it(pool: ConnectionPool) -> None:
    with scripted_server(Script(offers=("PIPELINING", "SMTPUTF8"))) as peer:
        envelope, _ = deliver(pool, server_at(peer.port), [UMLAUT, RECIPIENT])
        assert peer.sessions[0].commands[1:4] == [
            f"MAIL FROM:<{SENDER}> SMTPUTF8",
            f"RCPT TO:<{UMLAUT}>",
            f"RCPT TO:<{RECIPIENT}>",
        ]
    assert envelope.accepted == (UMLAUT, RECIPIENT)


def test_a_non_ascii_recipient_is_refused_in_words_where_it_is_not_offered(pool: ConnectionPool) -> None:
    with scripted_server() as peer:
        envelope, _ = deliver(pool, server_at(peer.port), [UMLAUT, RECIPIENT])
    assert envelope.accepted == (RECIPIENT,)
    judgement = envelope.refused[UMLAUT].judgement
    assert judgement.verdict is Verdict.RECIPIENT_REFUSED
    assert judgement.reason == "the recipient's address needs SMTPUTF8, which the server does not offer"


def test_where_no_recipient_can_be_sent_nothing_is(pool: ConnectionPool) -> None:
    with scripted_server() as peer:
        with pool.connection(server_at(peer.port)) as connection:
            assert connection.envelope(SENDER, [UMLAUT], len(TEXT)).accepted == ()
        pool.close()
        assert peer.sessions[0].verbs() == ["ehlo", "QUIT"]


def test_ascii_addresses_never_ask_for_smtputf8(pool: ConnectionPool) -> None:
    with scripted_server(Script(offers=("SMTPUTF8",))) as peer:
        deliver(pool, server_at(peer.port))
        assert peer.sessions[0].commands[1] == f"MAIL FROM:<{SENDER}>"


def test_a_non_ascii_sender_that_cannot_be_sent_is_misconfigured(pool: ConnectionPool) -> None:
    with (
        scripted_server() as peer,
        pytest.raises(TransportFailure) as caught,
        pool.connection(server_at(peer.port)) as connection,
    ):
        connection.envelope(UMLAUT, [RECIPIENT], len(TEXT))
    assert caught.value.judgement.verdict is Verdict.MISCONFIGURED


@pytest.mark.parametrize("offered", [True, False])
def test_a_text_that_needs_smtputf8_is_sent_only_where_it_is_offered(
    pool: ConnectionPool, *, offered: bool
) -> None:
    with (
        scripted_server(Script(offers=("SMTPUTF8",) if offered else ())) as peer,
        pool.connection(server_at(peer.port)) as connection,
    ):
        if offered:
            connection.envelope(SENDER, [RECIPIENT], 0, smtputf8=True)
            connection.message([TEXT])
            assert peer.sessions[0].commands[1] == f"MAIL FROM:<{SENDER}> SMTPUTF8"
            return
        with pytest.raises(TransportFailure) as caught:
            connection.envelope(SENDER, [RECIPIENT], 0, smtputf8=True)
        assert caught.value.judgement.verdict is Verdict.MESSAGE_REFUSED


@pytest.mark.parametrize(
    "offer, size_bytes, parameter",
    [
        ("SIZE 1000", 1000, " SIZE=1000"),
        ("SIZE 0", 5000, " SIZE=5000"),
        ("SIZE", 5000, " SIZE=5000"),
        ("SIZE many", 5000, " SIZE=5000"),
        ("SIZE 99999999999999999999999", 5000, " SIZE=5000"),
        ("SIZE 1000", 0, ""),
        ("DSN", 5000, ""),
    ],
)
def test_the_size_is_told_where_the_server_wants_to_know_it(
    pool: ConnectionPool, offer: str, size_bytes: int, parameter: str
) -> None:
    with scripted_server(Script(offers=(offer,))) as peer:
        deliver(pool, server_at(peer.port), size_bytes=size_bytes)
        assert peer.sessions[0].commands[1] == f"MAIL FROM:<{SENDER}>{parameter}"


def test_a_message_above_the_servers_size_is_refused_before_it_is_sent(pool: ConnectionPool) -> None:
    with scripted_server(Script(offers=("SIZE 1000",))) as peer:
        with pytest.raises(TransportFailure) as caught:
            deliver(pool, server_at(peer.port), size_bytes=1001)
        assert peer.sessions[0].verbs() == ["ehlo"]
    assert caught.value.judgement.verdict is Verdict.MESSAGE_REFUSED
    assert caught.value.judgement.reason == "the message is larger than the server allows"


@pytest.mark.parametrize("name", ["mail.corp.test", "host", "[192.0.2.1]", "[IPv6:2001:db8::1]"])
def test_a_name_for_ehlo_is_taken_as_it_is(name: str) -> None:
    assert local_hostname(name) == name


@pytest.mark.parametrize("name", ["", "a b", "a\r\nMAIL", "-a", "münchen.test", "a..b", "[x]"])
def test_a_name_for_ehlo_that_cannot_be_sent_is_refused(name: str) -> None:
    with pytest.raises(InvalidLocalHostname):
        ConnectionPool(local_hostname=name)


def test_without_a_name_the_machines_is_taken_and_no_dns_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.getfqdn", None)
    monkeypatch.setattr("socket.gethostname", lambda: "mx1.corp.test")
    assert local_hostname(None) == "mx1.corp.test"
    monkeypatch.setattr("socket.gethostname", lambda: "build_box")
    assert local_hostname(None) == "[127.0.0.1]"
