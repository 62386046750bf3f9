"""A document as the message that it becomes, and that message read back."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import getaddresses
from typing import Any, cast

from tasks.attachments.content import Content
from tasks.attachments.file_names import numbered
from tasks.line_breaks import unified
from tasks.notification import (
    InlineAttachment,
    Notification,
    parse,
)
from tasks.rendering import MailFile, RenderedMessage, render

ACCEPTED_AT = datetime(2026, 11, 23, 10, 0, 5, tzinfo=timezone(timedelta(hours=1)))
HEADERS = {
    "from", "to", "cc", "reply-to", "subject", "date", "message-id", "auto-submitted", "x-notification-id",
    "x-auto-response-suppress", "x-priority", "importance", "mime-version", "content-type",
    "content-transfer-encoding",
}  # fmt: skip


def inline_files(notification: Notification) -> list[MailFile]:
    """What the notification brings, as it goes along."""
    inline = [one for one in notification.attachments if isinstance(one, InlineAttachment)]
    names = numbered([one.name for one in inline])
    return [MailFile(name, Content(name, one.content)) for name, one in zip(names, inline, strict=True)]


def rendered(document: object, **changes: Any) -> RenderedMessage:
    notification = parse(cast("dict[str, object]", document))
    arguments = {
        "files": inline_files(notification),
        "notification_id": "n-1",
        "number": 42,
        "accepted_at": ACCEPTED_AT,
        "sender": "noreply@mycorp.com",
        **changes,
    }
    return render(notification, **arguments)


def wire(message: RenderedMessage) -> bytes:
    return b"".join(message.chunks())


def read(message: RenderedMessage) -> EmailMessage:
    found = message_from_bytes(wire(message), policy=policy.default)
    assert isinstance(found, EmailMessage)
    return found


def body(message: EmailMessage, kind: str = "plain") -> str:
    part = message.get_body((kind,))
    assert part is not None
    content = part.get_content()
    assert isinstance(content, str)
    return unified(content)


def last_line_end(message: EmailMessage) -> str:
    """What a body reads back with besides its text: the line end after a readable part that stands alone."""
    readable = not message.is_multipart() and message["Content-Transfer-Encoding"] != "base64"
    return "\n" if readable else ""


def addressed(message: EmailMessage, name: str) -> list[str]:
    return [address for _, address in getaddresses([str(value) for value in message.get_all(name, [])])]


def assert_clean_wire(message: RenderedMessage) -> None:
    raw = wire(message)
    lines = raw.split(b"\r\n")
    assert raw.endswith(b"\r\n")
    assert not any(b"\r" in line or b"\n" in line for line in lines)
    assert max(map(len, lines)) <= 998
    assert message.size_bytes == len(raw)
    assert all(chunk.endswith(b"\r\n") for chunk in message.chunks())
    head, _, rest = raw.partition(b"\r\n\r\n")
    assert not re.search(rb"[^\t\r\n\x20-\x7e]", rest)
    assert message.smtputf8 or head.isascii()
    names = [line.split(b":")[0].decode() for line in head.split(b"\r\n") if not line.startswith(b" ")]
    assert {name.lower() for name in names} <= HEADERS
    assert len(names) == len(set(names))
