"""What the ledger records of a document that somebody publishes."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from typing import Final, get_args

from settings_store.snapshot import Snapshot
from tasks import notification as notifications
from tasks.ledger import Entry
from tasks.notification import Notification
from tasks.search_terms import terms_of
from tasks.server import Channel
from tasks.text_message import refuse_too_long
from tasks.tokens import unknown_tokens

#: A notification as somebody may give it.
Document = Notification | Mapping[str, object] | bytes | str


def checked(document: Document) -> Notification:
    """The notification of a document, if this version delivers such a one.

    Raises:
        InvalidNotification: Names field, fault and what is allowed.
    """
    notification = document if isinstance(document, Notification) else notifications.parse(document)
    notifications.refuse_unsupported(notification)
    if notification.channel == "text":
        refuse_too_long(notification)
    return notification


def entry_of(notification: Notification, snapshot: Snapshot) -> Entry:
    """What the ledger records of a notification under these options."""
    content, digest = notifications.content_and_digest(notification)
    return Entry(
        id=notification.id or _new_id(),
        digest=digest,
        channel=notification.channel,
        lane=notification.lane,
        content=content.decode(),
        recipients=len(notifications.envelope_recipients(notification)),
        age_limit_ms=snapshot.derive(_age_limits_ms)[notification.channel],
        key=hashlib.sha256(notification.key.encode()).hexdigest() if notification.key else "",
        not_before_ms=int(notification.not_before.timestamp() * 1000) if notification.not_before else 0,
        # 0 is none: what was to be sent until 1970 at the latest is past, and must not be sent at any time.
        expires_ms=max(int(notification.expires.timestamp() * 1000), 1) if notification.expires else 0,
        unknown_tokens=unknown_tokens(notification),
        priority=notification.priority,
        terms=terms_of(notification),
    )


def _new_id() -> str:
    """A random UUID of version 4 (RFC 9562 5.4); `uuid.uuid4` takes three times as long over its text."""
    text = os.urandom(16).hex()
    variant = _VARIANTS[text[16]]
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{variant}{text[17:20]}-{text[20:]}"


#: The two bits that every UUID of today begins its fourth part with, before two random ones.
_VARIANTS: Final = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}


def _age_limits_ms(snapshot: Snapshot) -> Mapping[Channel, int]:
    return {
        channel: snapshot.number(f"delivery.{channel}_age_limit_hours") * 3_600_000
        for channel in get_args(Channel)
    }
