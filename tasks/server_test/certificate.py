"""What a certificate says of itself, for a person who has to judge or renew it."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from typing import Any, Final

from cryptography import x509

#: From here on a certificate's end is worth a word.
SOON_DAYS: Final = 21
_NAMES_MAXIMUM: Final = 20
_SECONDS_A_DAY: Final = 86_400


def tls_facts(peer: ssl.SSLSocket, now: datetime) -> dict[str, Any]:
    """Protocol, cipher and certificate of a connection, verified or not.

    Args:
        peer: A socket after its handshake.
        now: The present, for the days that are left.
    """
    facts: dict[str, Any] = {"protocol": peer.version(), "cipher": (peer.cipher() or ("",))[0]}
    encoded = peer.getpeercert(binary_form=True)
    return {**facts, **certificate_facts(encoded, now)} if encoded else facts


def certificate_facts(encoded: bytes, now: datetime) -> dict[str, Any]:
    """Subject, issuer, names and end of a certificate (DER); empty where it cannot be read."""
    try:
        certificate = x509.load_der_x509_certificate(encoded)
        names = _names(certificate)
        subject, issuer = _shown(certificate.subject), _shown(certificate.issuer)
    except ValueError:
        return {}
    ends = certificate.not_valid_after_utc
    return {
        "subject": subject,
        "issuer": issuer,
        "names": names[:_NAMES_MAXIMUM],
        "begins_at": f"{certificate.not_valid_before_utc:%Y-%m-%dT%H:%M:%SZ}",
        "expires_at": f"{ends:%Y-%m-%dT%H:%M:%SZ}",
        "days_left": int((ends - now.astimezone(UTC)).total_seconds() // _SECONDS_A_DAY),
    }


def _names(certificate: x509.Certificate) -> list[str]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    names = list(map(str, found.get_values_for_type(x509.DNSName)))
    return names + list(map(str, found.get_values_for_type(x509.IPAddress)))


def _shown(name: x509.Name) -> str:
    return name.rfc4514_string()
