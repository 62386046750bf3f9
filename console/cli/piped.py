"""What is piped in, and files that are sent along: read whole, within what a notification may hold."""

from __future__ import annotations

import sys
from pathlib import Path

from console.cli.errors import BadInput
from console.cli.output import warn
from tasks.notification_document import DOCUMENT_MAX_BYTES


def nobody_pipes() -> bool:
    """Whether stdin is a person's keyboard."""
    return sys.stdin.isatty()


def stdin_bytes() -> bytes:
    """Everything that is piped in; of too much, one byte more than a notification may have."""
    return sys.stdin.buffer.read(DOCUMENT_MAX_BYTES + 1)


def file_bytes(flag: str, name: str) -> bytes:
    """A file.

    Raises:
        BadInput: It cannot be read, or is larger than any notification.
    """
    try:
        with Path(name).open("rb") as file:
            content = file.read(DOCUMENT_MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "is no file name"
        raise BadInput(f"{flag} {name}: {why}", f"name a file that you may read: {flag} FILE") from None
    if len(content) > DOCUMENT_MAX_BYTES:
        raise BadInput(f"{flag} {name}: is larger than {DOCUMENT_MAX_BYTES:,} bytes")
    return content


def as_text(content: bytes, source: str) -> str:
    """Text in UTF-8 without the line end that ends every file; what is no UTF-8 is replaced, with a warning.

    An alert with a wrong character is worth more than one that was not sent.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        warn(f"{source}: is not UTF-8; what could not be read is replaced")
        text = content.decode("utf-8", "replace")
    return text.removesuffix("\n").removesuffix("\r")
