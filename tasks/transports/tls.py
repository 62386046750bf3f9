"""Verified TLS, always: whose certificates we trust, and what is wrong with the others in words."""

from __future__ import annotations

import ssl
import threading
from pathlib import Path

from tasks.certificate_check import check_alike
from tasks.transports.client_certificate import load_client_certificate
from tasks.transports.trust import Trust

_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
#: OpenSSL's numbers (X509_V_ERR_…) of what an operator can do something about.
_CERTIFICATE_WORDS = {
    9: "the server's certificate is not valid yet",
    10: "the server's certificate has expired",
    18: "the server's certificate is self-signed",
    19: "the server's certificate is signed by an authority that is not trusted here",
    20: "the server's certificate is signed by an authority that is not trusted here",
    21: "the server's certificate is signed by an authority that is not trusted here",
    62: "the server's certificate is for another name",
    64: "the server's certificate is for another address",
}
#: What OpenSSL says where the peer speaks no TLS there, or only an old one.
_NO_COMMON_TLS = (
    "WRONG_VERSION_NUMBER",
    "UNSUPPORTED_PROTOCOL",
    "PROTOCOL_VERSION",
    "HTTP_REQUEST",
    "PACKET_LENGTH_TOO_LONG",
    "RECORD_LAYER_FAILURE",
    "NO_SHARED_CIPHER",
)


class TrustStore:
    """The TLS settings of connections, made anew when one of their files changes; for all threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._contexts: dict[Trust, tuple[object, ssl.SSLContext]] = {}

    def context(self, trust: Trust) -> ssl.SSLContext:
        """A context that checks certificate and name.

        Raises:
            ClientCertificateUnusable: The certificate that we are to show cannot be used.
            OSError: The CA bundle cannot be read, or holds no certificate.
        """
        mark = _mark(trust)
        with self._lock:
            known = self._contexts.get(trust)
            if known is not None and known[0] == mark:
                return known[1]
            context = check_alike(ssl.create_default_context(cafile=trust.ca_bundle or None))
            context.minimum_version = _VERSIONS[trust.minimum_version]
            load_client_certificate(context, trust)
            self._contexts[trust] = (mark, context)
            return context


def certificate_words(error: ssl.SSLCertVerificationError) -> str:
    """What is wrong with a certificate, without the names in it; empty where we have no words for it."""
    return _CERTIFICATE_WORDS.get(error.verify_code, "")


def lacks_common_tls(error: ssl.SSLError) -> bool:
    """Whether the peer answered, but with no TLS of the versions that we speak."""
    return any(part in (error.reason or "") for part in _NO_COMMON_TLS)


def _mark(trust: Trust) -> object:
    """Equal as long as no file was changed; a file that is not there is told by who reads it."""
    return tuple(
        _mark_of_file(path) for path in (trust.ca_bundle, trust.client_certificate, trust.client_key)
    )


def _mark_of_file(path: str) -> object:
    try:
        found = Path(path).stat() if path else None
    except (OSError, ValueError):
        found = None
    return found and (found.st_mtime_ns, found.st_size, found.st_ino, found.st_mode)
