from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from tasks.server import Tls
from tasks.transports.failure import TransportFailure
from tasks.transports.phase import Phase
from tasks.transports.pool import ConnectionPool
from tasks.transports.trust import Trust
from tasks.verdict import Verdict
from tests.rigs.certificates import Certificates, make_certificates
from tests.rigs.delivering import PATIENT, TEXT, deliver, server_at
from tests.rigs.scripted_smtp import Script, scripted_server

VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


def demanding(certificates: Certificates, version: ssl.TLSVersion) -> ssl.SSLContext:
    """A server that wants to see a certificate of its own authority."""
    context = certificates.context()
    context.maximum_version = version
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(certificates.bundle)
    return context


def identity(certificates: Certificates, folder: Path) -> tuple[Path, Path]:
    """A certificate and its key, protected."""
    leaf = certificates.authority.issue_cert("worker.corp.test")
    certificate, key = folder / "worker.pem", folder / "worker.key"
    leaf.cert_chain_pems[0].write_to_path(certificate)
    leaf.private_key_pem.write_to_path(key)
    key.chmod(0o600)
    return certificate, key


def send(trust: Trust, context: ssl.SSLContext, mode: Tls) -> list[bytes]:
    pool = ConnectionPool(timeouts=PATIENT, trust=trust)
    with scripted_server(Script(tls=context, implicit_tls=mode is Tls.IMPLICIT)) as peer:
        deliver(pool, server_at(peer.port, host="localhost", tls=mode))
        pool.close()
        return peer.sessions[0].texts


def failure_of(trust: Trust, context: ssl.SSLContext, mode: Tls = Tls.IMPLICIT) -> TransportFailure:
    with pytest.raises(TransportFailure) as caught:
        send(trust, context, mode)
    return caught.value


@pytest.mark.parametrize("in_one_file", [True, False])
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("mode", [Tls.STARTTLS, Tls.IMPLICIT])
def test_a_server_that_asks_for_our_certificate_sees_it(
    certificates: Certificates, tmp_path: Path, mode: Tls, version: ssl.TLSVersion, *, in_one_file: bool
) -> None:
    certificate, key = identity(certificates, tmp_path)
    trust = Trust(certificates.bundle, client_certificate=str(certificate), client_key=str(key))
    if in_one_file:
        key.write_bytes(key.read_bytes() + certificate.read_bytes())
        trust = Trust(certificates.bundle, client_certificate=str(key))
    assert send(trust, demanding(certificates, version), mode) == [TEXT]


def test_a_server_that_asks_for_a_certificate_and_gets_none_is_misconfigured(
    certificates: Certificates,
) -> None:
    # By STARTTLS the server's alert crosses our EHLO and may be lost with the connection.
    failure = failure_of(Trust(certificates.bundle), demanding(certificates, ssl.TLSVersion.TLSv1_3))
    assert failure.judgement.verdict is Verdict.MISCONFIGURED
    assert failure.judgement.reason == "the server asks for a client certificate"


@pytest.mark.parametrize("version", VERSIONS)
def test_a_certificate_that_the_server_does_not_take_is_misconfigured(
    certificates: Certificates, tmp_path: Path, version: ssl.TLSVersion
) -> None:
    (tmp_path / "stranger").mkdir()
    certificate, key = identity(make_certificates(tmp_path / "stranger"), tmp_path)
    trust = Trust(certificates.bundle, client_certificate=str(certificate), client_key=str(key))
    failure = failure_of(trust, demanding(certificates, version))
    assert failure.judgement.verdict is Verdict.MISCONFIGURED
    assert failure.judgement.reason == "the server does not accept our client certificate"


def test_a_certificate_that_cannot_be_used_is_told_before_anything_is_connected(
    certificates: Certificates, tmp_path: Path
) -> None:
    certificate, key = identity(certificates, tmp_path)
    (tmp_path / "other").mkdir()
    _, other = identity(certificates, tmp_path / "other")
    encrypted, loose, nothing = tmp_path / "encrypted", tmp_path / "loose", tmp_path / "nothing"
    private = serialization.load_pem_private_key(key.read_bytes(), None)
    encrypted.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"open sesame"),
        )
    )
    encrypted.chmod(0o600)
    loose.write_bytes(key.read_bytes())
    loose.chmod(0o640)
    nothing.write_text("no certificate")
    nothing.chmod(0o600)
    missing = tmp_path / "missing"
    for files, words in [
        ((missing, key), "the client certificate cannot be read"),
        ((certificate, missing), "the client certificate's key cannot be read"),
        ((certificate, loose), "the client certificate's key may be read by others than its owner"),
        (
            (certificate, encrypted),
            "the client certificate's key is encrypted; it must be without a password",
        ),
        ((certificate, other), "the client certificate's key belongs to another certificate"),
        ((nothing, key), "the files of the client certificate hold no certificate with its key"),
        ((certificate, nothing), "the files of the client certificate hold no certificate with its key"),
    ]:
        trust = Trust(certificates.bundle, client_certificate=str(files[0]), client_key=str(files[1]))
        pool = ConnectionPool(timeouts=PATIENT, trust=trust)
        with scripted_server() as peer:
            with pytest.raises(TransportFailure) as caught:
                deliver(pool, server_at(peer.port, tls=Tls.STARTTLS))
            assert peer.sessions == []
        assert (caught.value.judgement.reason, caught.value.phase) == (words, Phase.TLS)
        assert caught.value.judgement.verdict is Verdict.MISCONFIGURED


def test_a_certificate_that_is_renewed_holds_for_the_next_connection(
    certificates: Certificates, tmp_path: Path
) -> None:
    certificate, key = identity(certificates, tmp_path)
    key.chmod(0o644)
    trust = Trust(certificates.bundle, client_certificate=str(certificate), client_key=str(key))
    context = demanding(certificates, ssl.TLSVersion.TLSv1_3)
    pool = ConnectionPool(timeouts=PATIENT, trust=trust)
    with scripted_server(Script(tls=context, implicit_tls=True)) as peer:
        server = server_at(peer.port, host="localhost", tls=Tls.IMPLICIT)
        with pytest.raises(TransportFailure):
            deliver(pool, server)
        key.chmod(0o600)
        deliver(pool, server)
        pool.close()
        assert peer.sessions[0].texts == [TEXT]


@pytest.mark.parametrize("mode", [Tls.STARTTLS, Tls.IMPLICIT])
def test_a_server_that_is_older_than_the_option_allows_is_misconfigured(
    certificates: Certificates, mode: Tls
) -> None:
    context = certificates.context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    failure = failure_of(Trust(certificates.bundle, "1.3"), context, mode)
    assert (failure.judgement.verdict, failure.phase) == (Verdict.MISCONFIGURED, Phase.TLS)
    assert failure.judgement.reason == (
        "the server does not speak TLS 1.3 there, which tls.minimum_version asks for"
    )
    assert send(Trust(certificates.bundle), context, mode) == [TEXT]
