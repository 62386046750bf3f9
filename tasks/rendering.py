"""From a notification to the bytes that a server gets.

Rendering is a function of its arguments alone: the same notification, number, time, sender and options give
the same bytes on every attempt, by every worker, so that a resend after a lost reply is the same message.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from tasks import mime_headers
from tasks.addresses import needs_smtputf8
from tasks.attachments.source import OpenFile
from tasks.mail_content import MailContent, compose_mail
from tasks.mime_bodies import BOUNDARY_START, Base64Body, base64_size_bytes, text_part
from tasks.notification import envelope_recipients
from tasks.notification_document import Notification
from tasks.prefix import TextOptions
from tasks.text_message import compose_text

_PRIORITY_HEADERS = {
    "high": b"X-Priority: 1\r\nImportance: high\r\n",
    "normal": b"",
    "low": b"X-Priority: 5\r\nImportance: low\r\n",
}
_HASH_DIGITS = 32
_DELIMITER_BYTES = len("--\r\n") + len(BOUNDARY_START) + _HASH_DIGITS


@dataclass(frozen=True, slots=True)
class MailFile:
    """A file that goes along.

    Attributes:
        name: Without any folder, and different from the others'.
        file: Open, and to be read while the message is sent.
        charset: Of a text; empty where the file is only bytes.
    """

    name: str = field(repr=False)
    file: OpenFile = field(repr=False)
    charset: str = ""

    @property
    def head(self) -> bytes:
        """The headers of its part."""
        kind = f'text/plain; charset="{self.charset}"' if self.charset else "application/octet-stream"
        encoding = f"Content-Type: {kind}\r\nContent-Transfer-Encoding: base64\r\n".encode("ascii")
        return encoding + mime_headers.attachment_disposition(self.name) + b"\r\n"

    @property
    def part_bytes(self) -> int:
        """What it adds to a message that has another file already."""
        return _DELIMITER_BYTES + len(self.head) + base64_size_bytes(self.file.size_bytes)


@dataclass(frozen=True, slots=True)
class RenderedMessage:
    """A message ready to be sent: headers and texts in memory, files encoded while they are read.

    Attributes:
        parts: The message in order.
        recipients: The envelope recipients it is for.
        unknown_tokens: Names of tokens that nothing resolved and that went out as they stand. They are
            content: not for logs.
        smtputf8: Whether sender or a recipient needs a server with SMTPUTF8 (RFC 6531).
    """

    parts: tuple[bytes | Base64Body, ...] = field(repr=False)
    recipients: tuple[str, ...] = field(repr=False)
    unknown_tokens: tuple[str, ...] = field(repr=False)
    smtputf8: bool

    @property
    def size_bytes(self) -> int:
        """The exact size of the message as sent, for SIZE= (RFC 1870); dot-stuffing is not counted."""
        return sum(part.size_bytes if isinstance(part, Base64Body) else len(part) for part in self.parts)

    def chunks(self) -> Iterator[bytes]:
        """The message piece by piece; every line, and so every piece, ends in CRLF."""
        for part in self.parts:
            if isinstance(part, Base64Body):
                yield from part.chunks()
            else:
                yield part


def render(
    notification: Notification,
    *,
    notification_id: str,
    number: int,
    accepted_at: datetime,
    sender: str,
    options: TextOptions | None = None,
    recipient: str | None = None,
    files: Sequence[MailFile] = (),
    lines: Sequence[str] = (),
) -> RenderedMessage:
    """Build the message for one server.

    Args:
        notification: What to send.
        notification_id: The id it was accepted under; stands in Message-ID, X-Notification-ID and boundaries.
        number: The number people know it by.
        accepted_at: When it was accepted, with its offset from UTC; the Date on every attempt.
        sender: The server's From.
        options: How the message looks.
        recipient: The one recipient of a text, each of whom gets a message of their own; None for e-mail.
        files: What goes along by this server. Which files those are is decided before: what the notification
            asks for is not looked at here.
        lines: What the mail says of its files, after its text.

    Raises:
        TextTooLong: A text that may not be cut and was not refused when it was accepted.
        ValueError: A text without a recipient, or a time without an offset.
    """
    options = options or TextOptions()
    if accepted_at.tzinfo is None:
        raise ValueError("accepted_at needs an offset from UTC")
    common = (
        mime_headers.date(int(accepted_at.timestamp())),
        mime_headers.plain("Message-ID", mime_headers.message_id(notification_id, options.installation_name)),
        b"Auto-Submitted: auto-generated\r\nX-Auto-Response-Suppress: All\r\n",
        mime_headers.plain("X-Notification-ID", mime_headers.header_id(notification_id)),
        _PRIORITY_HEADERS[notification.priority],
        b"MIME-Version: 1.0\r\n",
    )
    mailbox = mime_headers.sender_mailbox(sender)
    origin = f"From: {mailbox}\r\n".encode()
    reply_to = notification.reply_to
    answers = mime_headers.address_list("Reply-To", reply_to) if reply_to else b""
    if notification.channel == "text":
        if recipient is None:
            raise ValueError("a text is rendered for one recipient at a time")
        text = compose_text(notification, number)
        to = mime_headers.address_list("To", (recipient,))
        whole = b"".join(
            (origin, to, answers, *common, text_part("plain", text.text, among_others=False), b"\r\n")
        )
        smtputf8 = needs_smtputf8((mailbox, recipient, *reply_to))
        return RenderedMessage((whole,), (recipient,), text.unknown, smtputf8)

    content = compose_mail(notification, number, options, lines)
    cc = mime_headers.address_list("Cc", notification.cc) if notification.cc else b""
    to = mime_headers.address_list("To", notification.to)
    subject = mime_headers.unstructured("Subject", content.subject)
    head = b"".join((origin, to, cc, answers, subject, *common))
    parts = _mixed(head, content, files, notification_id)
    recipients = envelope_recipients(notification)
    smtputf8 = needs_smtputf8((mailbox, *recipients, *reply_to))
    return RenderedMessage(parts, recipients, content.unknown_tokens, smtputf8)


def _mixed(
    head: bytes, content: MailContent, files: Sequence[MailFile], notification_id: str
) -> tuple[bytes | Base64Body, ...]:
    """The whole message: head, text, and a part for each file."""
    body = _alternative(content, notification_id, among_others=bool(files))
    if not files:
        return (head + body + b"\r\n",)
    boundary = _boundary("mixed", notification_id)
    delimiter = f"--{boundary}\r\n".encode("ascii")
    parts: list[bytes | Base64Body] = []
    before = head + _multipart("mixed", boundary) + delimiter + body + b"\r\n"
    for file in files:
        parts += [before + delimiter + file.head, Base64Body(file.file)]
        before = b""
    return (*parts, f"--{boundary}--\r\n".encode("ascii"))


def _alternative(content: MailContent, notification_id: str, *, among_others: bool) -> bytes:
    text = text_part("plain", content.text, among_others=among_others or content.html is not None)
    if content.html is None:
        return text
    boundary = _boundary("alternative", notification_id)
    delimiter = f"--{boundary}\r\n".encode("ascii")
    page = text_part("html", content.html, among_others=True)
    end = f"\r\n--{boundary}--".encode("ascii")
    return b"".join((_multipart("alternative", boundary), delimiter, text, b"\r\n", delimiter, page, end))


def _multipart(subtype: str, boundary: str) -> bytes:
    return f'Content-Type: multipart/{subtype};\r\n boundary="{boundary}"\r\n\r\n'.encode("ascii")


def _boundary(kind: str, notification_id: str) -> str:
    return BOUNDARY_START + hashlib.sha256(f"{kind} {notification_id}".encode()).hexdigest()[:_HASH_DIGITS]
