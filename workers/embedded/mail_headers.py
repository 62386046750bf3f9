"""Headers as a person reads them, whatever a mail has there: nothing a stranger sends may raise."""

from __future__ import annotations

import contextlib
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message

SHOWN_MAXIMUM_CHARACTERS = 2000


def header(message: Message, name: str) -> str:
    """The first header of this name, decoded (RFC 2047), on one line, bounded; blank where there is none."""
    return decoded(message.get(name, ""))


def decoded(raw: object) -> str:
    """A header's value, decoded; as it stands where it cannot be."""
    text = str(raw)
    with contextlib.suppress(HeaderParseError, LookupError, ValueError):
        text = str(make_header(decode_header(text)))
    # Bytes that fit no encoding came in as surrogates, which no page can carry.
    text = " ".join(text.encode("utf-8", "replace").decode().split())
    return text[:SHOWN_MAXIMUM_CHARACTERS]
