"""An authority of our own, and certificates that are wrong in every way a server's can be."""

from __future__ import annotations

import datetime as dt
import ssl
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NAME = "localhost"


@dataclass(frozen=True)
class Certificates:
    """Files and contexts of one authority.

    Attributes:
        bundle: The authority's certificate, as `ca_bundle` wants it.
        chain: A good server certificate with its key, in one file.
    """

    authority: trustme.CA
    bundle: str
    chain: str

    def context(self) -> ssl.SSLContext:
        """A server that proves its name."""
        return _server_context(self.authority.issue_cert(NAME, "127.0.0.1"))

    def expired(self) -> ssl.SSLContext:
        """A server whose certificate ran out yesterday."""
        yesterday = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
        return _server_context(
            self.authority.issue_cert(
                NAME, "127.0.0.1", not_before=yesterday - dt.timedelta(days=9), not_after=yesterday
            )
        )

    def early(self) -> ssl.SSLContext:
        """A server whose certificate holds from tomorrow on."""
        tomorrow = dt.datetime.now(dt.UTC) + dt.timedelta(days=1)
        return _server_context(
            self.authority.issue_cert(
                NAME, "127.0.0.1", not_before=tomorrow, not_after=tomorrow + dt.timedelta(days=9)
            )
        )

    def for_another_name(self) -> ssl.SSLContext:
        """A server that proves to be somebody else."""
        return _server_context(self.authority.issue_cert("mail.elsewhere.test"))


def make_certificates(folder: Path) -> Certificates:
    """A new authority with its files in a folder."""
    authority = trustme.CA()
    bundle, chain = folder / "authority.pem", folder / "server.pem"
    authority.cert_pem.write_to_path(bundle)
    authority.issue_cert(NAME, "127.0.0.1").private_key_and_cert_chain_pem.write_to_path(chain)
    return Certificates(authority, str(bundle), str(chain))


def from_a_stranger() -> ssl.SSLContext:
    """A server whose authority nobody knows."""
    return _server_context(trustme.CA().issue_cert(NAME, "127.0.0.1"))


def self_signed(folder: Path) -> ssl.SSLContext:
    """A server that vouches for itself."""
    key, name = ec.generate_private_key(ec.SECP256R1()), _named(NAME)
    certificate = (
        _issued(name, name, key)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return _proving(folder / "self-signed.pem", key, certificate)


def from_an_authority_of_old(folder: Path, address: str = "127.0.0.1") -> tuple[str, str, ssl.SSLContext]:
    """The bundle of an authority that does not say what its key is for, its server's certificate, a server.

    RFC 5280 wants that said (section 4.2.1.3), and key identifiers; for years `openssl req` did not.
    """
    authority, key, issuer = (
        ec.generate_private_key(ec.SECP256R1()),
        ec.generate_private_key(ec.SECP256R1()),
        _named("Old"),
    )
    root = (
        _issued(issuer, issuer, authority)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=False)
        .sign(authority, hashes.SHA256())
    )
    names = x509.SubjectAlternativeName([x509.DNSName(NAME), x509.IPAddress(ip_address(address))])
    certificate = (
        _issued(_named(NAME), issuer, key)
        .add_extension(names, critical=False)
        .sign(authority, hashes.SHA256())
    )
    bundle, own = folder / "old-authority.pem", folder / "old-server-alone.pem"
    bundle.write_bytes(root.public_bytes(serialization.Encoding.PEM))
    own.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return str(bundle), str(own), _proving(folder / "old-server.pem", key, certificate)


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _issued(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
    )


def _proving(path: Path, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> ssl.SSLContext:
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


def _server_context(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context
