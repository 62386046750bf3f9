"""What an error of the operating system or of TLS was: the kind of outcome, and better words for it."""

from __future__ import annotations

import socket
import ssl

from tasks.transports.client_certificate import alert_about_certificate
from tasks.transports.outcome import Kind
from tasks.transports.phase import Phase
from tasks.transports.tls import certificate_words, lacks_common_tls


def breakage(error: Exception, phase: Phase) -> tuple[Kind, str]:
    """Tell the kind of a failure on the wire, and its reason in plain words (empty: the kind's own)."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return Kind.CERTIFICATE, certificate_words(error)
    about_ours = alert_about_certificate(error) if isinstance(error, ssl.SSLError) else ""
    if about_ours:
        return Kind.CLIENT_CERTIFICATE, about_ours
    return _kind(error, phase), ""


def _kind(error: Exception, phase: Phase) -> Kind:
    match error:
        case TimeoutError():
            kind = Kind.TIMEOUT
        case ssl.SSLError() if phase is Phase.TLS:
            kind = Kind.TLS_UNUSABLE if lacks_common_tls(error) else Kind.TLS
        case socket.gaierror() | UnicodeError():
            kind = Kind.DNS
        case ConnectionRefusedError():
            kind = Kind.REFUSED
        case _:
            kind = Kind.UNREACHABLE if phase is Phase.CONNECT else Kind.LOST
    return kind
