"""Verified TLS, always: whose certificates we trust, and what is wrong with the others in words."""

from __future__ import annotations

import ssl
import threading
from pathlib import Path

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
    """The TLS settings for a CA bundle, read once and again when its file changes; for all threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._contexts: dict[str, tuple[object, ssl.SSLContext]] = {}

    def context(self, ca_bundle: str) -> ssl.SSLContext:
        """A context that checks certificate and name, with TLS 1.2 or newer.

        Args:
            ca_bundle: File of the authorities to trust (PEM); blank for those of the operating system.

        Raises:
            OSError: The file cannot be read, or holds no certificate.
        """
        mark = _mark(ca_bundle)
        with self._lock:
            known = self._contexts.get(ca_bundle)
            if known is not None and known[0] == mark:
                return known[1]
            context = ssl.create_default_context(cafile=ca_bundle or None)
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            self._contexts[ca_bundle] = (mark, context)
            return context


def certificate_words(error: ssl.SSLCertVerificationError) -> str:
    """What is wrong with a certificate, without the names in it; empty where we have no words for it."""
    return _CERTIFICATE_WORDS.get(error.verify_code, "")


def lacks_common_tls(error: ssl.SSLError) -> bool:
    """Whether the peer answered, but with nothing that is TLS 1.2 or newer."""
    return any(part in (error.reason or "") for part in _NO_COMMON_TLS)


def _mark(ca_bundle: str) -> object:
    if not ca_bundle:
        return None
    found = Path(ca_bundle).stat()
    return found.st_mtime_ns, found.st_size, found.st_ino
