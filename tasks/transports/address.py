"""Whether an address can stand in an SMTP command; whether it exists is the server's to say."""

from __future__ import annotations

#: RFC 5321 4.5.3.1.3 allows 256 octets for a path; more would not fit a command line.
MAXIMUM_BYTES = 254

_FORBIDDEN = frozenset("<> ")


def address_fault(address: str) -> str:
    """Why an address cannot be sent, in words without it; empty where it can.

    Refused is whatever could end the path early and so smuggle a parameter or a command: control characters,
    blanks and angle brackets, also inside quotes.
    """
    if not address:
        return "is empty"
    # Of white space, a blank alone is printable.
    if not address.isprintable() or not _FORBIDDEN.isdisjoint(address):
        return "holds a character that SMTP cannot carry"
    if len(address.encode()) > MAXIMUM_BYTES:
        return f"is longer than {MAXIMUM_BYTES} bytes"
    return ""
