"""A kept mail taken apart for the page: text, HTML, headers, attachments."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message

from workers.embedded.mail_headers import decoded

#: What a page shows of a body; the whole is in the .eml file.
SHOWN_MAXIMUM_CHARACTERS = 500_000
_UNNAMED = "attachment"


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that came with the mail."""

    name: str
    content_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class MailView:
    """What the page shows.

    Attributes:
        headers: Every header, decoded, in order.
        text: The plain text; blank where there is none.
        html: The HTML as it came, hostile until proven otherwise; blank where there is none.
        attachments: In order.
    """

    headers: tuple[tuple[str, str], ...]
    text: str
    html: str
    attachments: tuple[Attachment, ...]


def view(source: bytes) -> MailView:
    """Take a mail apart; what is malformed is shown as text as far as it can be."""
    try:
        message = message_from_bytes(source)
        parts = list(_leaves(message))
    except RecursionError:
        return MailView((), source.decode("utf-8", "replace")[:SHOWN_MAXIMUM_CHARACTERS], "", ())
    bodies: dict[str, str] = {}
    attachments = []
    for part in parts:
        kind = part.get_content_type()
        inline = part.get_content_disposition() != "attachment" and part.get_filename() is None
        if inline and kind in {"text/plain", "text/html"} and kind not in bodies:
            bodies[kind] = _text(part)[:SHOWN_MAXIMUM_CHARACTERS]
        else:
            attachments.append(Attachment(_name(part), kind, _content(part)))
    return MailView(
        headers=tuple((name, decoded(value)) for name, value in message.items()),
        text=bodies.get("text/plain", ""),
        html=bodies.get("text/html", ""),
        attachments=tuple(attachments),
    )


def _leaves(message: Message) -> Iterator[Message]:
    """The parts that hold content; a mail in the mail is one of them."""
    if message.get_content_maintype() == "multipart" and message.is_multipart():
        for part in message.get_payload():
            if isinstance(part, Message):
                yield from _leaves(part)
    else:
        yield message


def _content(part: Message) -> bytes:
    if part.is_multipart():
        inner = part.get_payload()
        return b"".join(piece.as_bytes() for piece in inner if isinstance(piece, Message))
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _text(part: Message) -> str:
    content = _content(part)
    try:
        return content.decode(part.get_content_charset("utf-8"), "replace")
    except LookupError:
        return content.decode("utf-8", "replace")


def _name(part: Message) -> str:
    return decoded(part.get_filename() or "").replace("/", "_").replace("\\", "_") or _UNNAMED
