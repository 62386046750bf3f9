from __future__ import annotations

import shutil
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.server import Tls
from tasks.transports.failure import TransportFailure
from tasks.transports.phase import Phase
from tasks.transports.pool import ConnectionPool
from tasks.transports.tls import TrustStore
from tasks.transports.trust import Trust
from tasks.verdict import Verdict
from tests.rigs.certificates import (
    Certificates,
    from_a_stranger,
    from_an_authority_of_old,
    self_signed,
)
from tests.rigs.delivering import TEXT, basic, deliver, server_at
from tests.rigs.scripted_smtp import Drop, Raw, Script, Silence, scripted_server

MODES = [Tls.STARTTLS, Tls.IMPLICIT]


def script(context: ssl.SSLContext, mode: Tls) -> Script:
    return Script(tls=context, implicit_tls=mode is Tls.IMPLICIT, offers=("PIPELINING", "AUTH PLAIN"))


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
@pytest.mark.parametrize("mode", MODES)
def test_text_and_sign_in_go_over_verified_tls(
    trusting_pool: ConnectionPool, certificates: Certificates, mode: Tls, host: str
) -> None:
    with scripted_server(script(certificates.context(), mode)) as peer:
        server = server_at(peer.port, host=host, tls=mode, sign_in=basic())
        for _ in range(3):
            deliver(trusting_pool, server)
        assert len(peer.sessions) == 1
        session = peer.sessions[0]
        assert session.protected
        assert session.texts == [TEXT] * 3
        said_in_plain = ["ehlo", "STARTTLS"] if mode is Tls.STARTTLS else []
        assert session.verbs()[: len(said_in_plain) + 3] == [*said_in_plain, "ehlo", "AUTH", "MAIL"]


@pytest.fixture
def wrong_contexts(certificates: Certificates, tmp_path: Path) -> dict[str, ssl.SSLContext]:
    return {
        "the server's certificate has expired": certificates.expired(),
        "the server's certificate is not valid yet": certificates.early(),
        "the server's certificate is for another name": certificates.for_another_name(),
        "the server's certificate is self-signed": self_signed(tmp_path),
        "the server's certificate is signed by an authority that is not trusted here": from_a_stranger(),
    }


@pytest.mark.parametrize("mode", MODES)
def test_a_wrong_certificate_is_refused_in_words_and_nothing_is_said_to_it(
    trusting_pool: ConnectionPool, wrong_contexts: dict[str, ssl.SSLContext], mode: Tls
) -> None:
    for words, context in wrong_contexts.items():
        with scripted_server(script(context, mode)) as peer:
            with pytest.raises(TransportFailure) as caught:
                deliver(trusting_pool, server_at(peer.port, host="localhost", tls=mode, sign_in=basic()))
            assert caught.value.judgement.reason == words
            assert (caught.value.judgement.verdict, caught.value.phase) == (Verdict.MISCONFIGURED, Phase.TLS)
            assert "AUTH" not in peer.sessions[0].verbs()
            assert str(caught.value) == "tls certificate"


@pytest.mark.parametrize("mode", MODES)
def test_an_authority_that_does_not_say_what_its_key_is_for_is_taken_on_every_python(
    pool: ConnectionPool, tmp_path: Path, mode: Tls
) -> None:
    authority, own, context = from_an_authority_of_old(tmp_path)
    with scripted_server(script(context, mode)) as peer:
        server = server_at(peer.port, host="localhost", tls=mode)
        # The server's own certificate, named alone, is trust enough: 3.13 says so, and so do we on 3.11.
        for bundle in (authority, own):
            with pool.connection(server, trust=Trust(bundle)) as connection:
                assert connection.noop().code == 250
        with pytest.raises(TransportFailure) as caught:
            deliver(pool, server)
        assert caught.value.judgement.verdict is Verdict.MISCONFIGURED


def test_our_authority_is_not_trusted_unless_it_is_named(
    pool: ConnectionPool, certificates: Certificates
) -> None:
    with scripted_server(script(certificates.context(), Tls.IMPLICIT)) as peer:
        server = server_at(peer.port, host="localhost", tls=Tls.IMPLICIT)
        with pytest.raises(TransportFailure) as caught:
            deliver(pool, server)
        assert caught.value.judgement.verdict is Verdict.MISCONFIGURED
        with pool.connection(server, trust=Trust(certificates.bundle)) as connection:
            assert connection.noop().code == 250


@pytest.mark.parametrize("content", [None, "", "not a certificate"])
def test_a_bundle_that_cannot_be_read_is_misconfigured_before_anything_is_connected(
    tmp_path: Path, content: str | None
) -> None:
    bundle = tmp_path / "bundle.pem"
    if content is not None:
        bundle.write_text(content)
    pool = ConnectionPool(trust=Trust(str(bundle)))
    with scripted_server() as peer:
        with pytest.raises(TransportFailure) as caught:
            deliver(pool, server_at(peer.port, tls=Tls.STARTTLS))
        assert peer.sessions == []
        assert caught.value.judgement.reason == "the CA bundle cannot be read"
        assert caught.value.judgement.verdict is Verdict.MISCONFIGURED
        deliver(pool, server_at(peer.port))
    pool.close()


def test_a_bundle_that_is_replaced_holds_for_the_next_connection(
    certificates: Certificates, tmp_path: Path
) -> None:
    bundle = tmp_path / "bundle.pem"
    trust = TrustStore()
    shutil.copy(certificates.bundle, bundle)
    first = trust.context(Trust(str(bundle)))
    assert trust.context(Trust(str(bundle))) is first
    bundle.write_text("# renewed\n" + Path(certificates.bundle).read_text())
    assert trust.context(Trust(str(bundle))) is not first


def test_every_context_checks_names_and_speaks_tls_12_or_newer(certificates: Certificates) -> None:
    for bundle in ("", certificates.bundle):
        context = TrustStore().context(Trust(bundle))
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.check_hostname
        assert context.minimum_version is ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_a_server_with_old_tls_only_is_misconfigured(
    trusting_pool: ConnectionPool, certificates: Certificates, mode: Tls
) -> None:
    context = certificates.context()
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    with scripted_server(script(context, mode)) as peer, pytest.raises(TransportFailure) as caught:
        deliver(trusting_pool, server_at(peer.port, host="localhost", tls=mode))
    assert (caught.value.judgement.verdict, caught.value.phase) == (Verdict.MISCONFIGURED, Phase.TLS)
    assert caught.value.judgement.reason == "the server does not speak TLS 1.2 or newer there"


def test_implicit_tls_to_a_plain_port_is_misconfigured(trusting_pool: ConnectionPool) -> None:
    with scripted_server() as peer, pytest.raises(TransportFailure) as caught:
        deliver(trusting_pool, server_at(peer.port, tls=Tls.IMPLICIT))
    assert (caught.value.judgement.verdict, caught.value.phase) == (Verdict.MISCONFIGURED, Phase.TLS)


def test_starttls_that_is_not_offered_is_misconfigured_and_the_password_stays_here(
    trusting_pool: ConnectionPool,
) -> None:
    with scripted_server(Script(offers=("AUTH PLAIN LOGIN",))) as peer:
        with pytest.raises(TransportFailure) as caught:
            deliver(trusting_pool, server_at(peer.port, tls=Tls.STARTTLS, sign_in=basic()))
        assert peer.sessions[0].verbs() == ["ehlo"]
    assert caught.value.judgement.verdict is Verdict.MISCONFIGURED
    assert caught.value.judgement.reason == "the server does not offer STARTTLS, which is required"


@pytest.mark.parametrize(
    "answer, verdict",
    [
        ("454 4.7.0 TLS not available due to local problem", Verdict.SERVER_DOWN),
        ("502 5.5.1 not implemented", Verdict.MISCONFIGURED),
        ("250 2.0.0 fine, go on in plain", Verdict.SERVER_DOWN),
        (Drop(), Verdict.SERVER_DOWN),
    ],
)
def test_starttls_that_is_refused_is_never_downgraded(
    trusting_pool: ConnectionPool, certificates: Certificates, answer: str | Drop, verdict: Verdict
) -> None:
    refusing = Script({"STARTTLS": answer}, offers=("STARTTLS", "AUTH PLAIN"), tls=certificates.context())
    with scripted_server(refusing) as peer:
        with pytest.raises(TransportFailure) as caught:
            deliver(trusting_pool, server_at(peer.port, tls=Tls.STARTTLS, sign_in=basic()))
        assert peer.sessions[0].verbs() == ["ehlo", "STARTTLS"]
    assert (caught.value.phase, caught.value.judgement.verdict) == (Phase.TLS, verdict)


def test_replies_injected_before_the_handshake_are_dropped(
    trusting_pool: ConnectionPool, certificates: Certificates
) -> None:
    # One write, so that the client has the injected EHLO reply in its buffer when TLS begins.
    injected = Raw(b"220 2.0.0 go\r\n250-evil.test\r\n250 AUTH LOGIN\r\n")
    evil = Script({"STARTTLS": injected}, offers=("AUTH PLAIN",), tls=certificates.context())
    with scripted_server(evil) as peer:
        server = server_at(peer.port, host="localhost", tls=Tls.STARTTLS, sign_in=basic())
        deliver(trusting_pool, server)
        assert next(line for line in peer.sessions[0].commands if line.startswith("AUTH")).startswith(
            "AUTH PLAIN "
        )


def test_a_handshake_that_never_ends_times_out(
    impatient_pool: ConnectionPool, certificates: Certificates
) -> None:
    silent = Script({"GREETING": Silence()})
    with (
        scripted_server(silent) as peer,
        pytest.raises(TransportFailure) as caught,
        impatient_pool.connection(server_at(peer.port, tls=Tls.IMPLICIT), trust=Trust(certificates.bundle)),
    ):
        pytest.fail("there was no TLS")
    assert (caught.value.phase, caught.value.judgement.verdict) == (Phase.TLS, Verdict.SERVER_DOWN)
    assert str(caught.value) == "tls timeout"


class Stripper:
    """A man in the middle who takes STARTTLS out of the server's offers and reads along."""

    def __init__(self, port: int) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.heard = bytearray()
        self._target = port
        self._threads = [threading.Thread(target=self._serve)]
        self._threads[0].start()

    def _serve(self) -> None:
        try:
            victim, _ = self._listener.accept()
        except OSError:
            return
        with victim, socket.create_connection(("127.0.0.1", self._target)) as server:
            back = threading.Thread(target=self._strip, args=(server, victim))
            back.start()
            while received := victim.recv(4096):
                self.heard += received
                server.sendall(received)
            server.shutdown(socket.SHUT_WR)
            back.join()

    @staticmethod
    def _strip(server: socket.socket, victim: socket.socket) -> None:
        while received := server.recv(4096):
            victim.sendall(received.replace(b"250 STARTTLS", b"250 XXXXXXXX"))

    def stop(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join()


@pytest.fixture
def stripped_port(certificates: Certificates) -> Iterator[Stripper]:
    with scripted_server(script(certificates.context(), Tls.STARTTLS)) as peer:
        stripper = Stripper(peer.port)
        yield stripper
        stripper.stop()


def test_a_man_in_the_middle_who_strips_starttls_hears_no_secret(
    trusting_pool: ConnectionPool, stripped_port: Stripper
) -> None:
    with pytest.raises(TransportFailure) as caught:
        deliver(
            trusting_pool, server_at(stripped_port.port, host="localhost", tls=Tls.STARTTLS, sign_in=basic())
        )
    assert caught.value.judgement.verdict is Verdict.MISCONFIGURED
    assert bytes(stripped_port.heard) == b"ehlo client.test\r\n"
