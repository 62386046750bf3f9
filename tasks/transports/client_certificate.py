"""The certificate that we show to servers, and what can be wrong with it."""

from __future__ import annotations

import ssl
import stat
from pathlib import Path
from typing import Final

from tasks.transports.trust import Trust

_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_KEY_OF_ANOTHER: Final = ("KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH")
#: What servers answer to a certificate that is missing, and to one that they do not take.
_ASKS_FOR_ONE: Final = "ALERT_CERTIFICATE_REQUIRED"
_REFUSES_OURS: Final = (
    *("ALERT_UNKNOWN_CA", "ALERT_BAD_CERTIFICATE", "ALERT_CERTIFICATE_EXPIRED", "ALERT_CERTIFICATE_REVOKED"),
    *("ALERT_CERTIFICATE_UNKNOWN", "ALERT_UNSUPPORTED_CERTIFICATE", "ALERT_ACCESS_DENIED"),
)


class ClientCertificateUnusable(OSError):
    """The certificate that we are to show cannot be used; the message says why."""


class _Encrypted(Exception):
    """The key wants a password."""


def load_client_certificate(context: ssl.SSLContext, trust: Trust) -> None:
    """Have a context show the certificate, where one is set.

    Raises:
        ClientCertificateUnusable: It cannot be read, its key is not protected or encrypted, or the two do not
            belong together.
    """
    if not trust.client_certificate:
        return
    certificate, key = Path(trust.client_certificate), Path(trust.client_key or trust.client_certificate)
    fault = _fault("the client certificate", certificate) or _fault("the client certificate's key", key)
    if not fault and key.stat().st_mode & _OTHERS:
        fault = "the client certificate's key may be read by others than its owner"
    if not fault:
        fault = _loading_fault(context, certificate, key)
    if fault:
        raise ClientCertificateUnusable(fault)


def alert_about_certificate(error: ssl.SSLError) -> str:
    """What a server says about the certificate that we showed or did not show; empty where nothing."""
    reason = error.reason or ""
    if _ASKS_FOR_ONE in reason:
        return "the server asks for a client certificate"
    if any(alert in reason for alert in _REFUSES_OURS):
        return "the server does not accept our client certificate"
    return ""


def _fault(what: str, path: Path) -> str:
    try:
        with path.open("rb"):
            return ""
    except (OSError, ValueError):
        return f"{what} cannot be read"


def _loading_fault(context: ssl.SSLContext, certificate: Path, key: Path) -> str:
    def no_password() -> str:
        # Without this OpenSSL would ask for one on the terminal.
        raise _Encrypted

    try:
        context.load_cert_chain(certificate, key, no_password)
    except _Encrypted:
        return "the client certificate's key is encrypted; it must be without a password"
    except ssl.SSLError as error:
        if any(part in (error.reason or "") for part in _KEY_OF_ANOTHER):
            return "the client certificate's key belongs to another certificate"
        return "the files of the client certificate hold no certificate with its key"
    except OSError:
        return "the client certificate cannot be read"
    return ""
