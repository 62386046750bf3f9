"""The rules for a notification that join several fields, or that a type and a size cannot say."""

from __future__ import annotations

import re

import msgspec

from tasks import addresses
from tasks.notification_document import (
    INLINE_MAX_BYTES,
    RECIPIENTS_MAX,
    Document,
    FileAttachment,
    InlineAttachment,
    Notification,
)
from tasks.notification_faults import InvalidNotification, refuse

# It becomes the left side of a Message-ID, which is a dot-atom (RFC 5322 3.6.4).
_ID = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")
_EMAIL_ONLY = ("cc", "bcc", "subject", "html", "attachments", "escalate_text_to")


def check(notification: Notification) -> None:
    """Hold a normalised notification against the rules, in the order of its fields.

    Raises:
        InvalidNotification: The first rule that is broken.
    """
    if not notification.to:
        raise refuse("to", "is empty")
    recipients = (*notification.to, *notification.cc, *notification.bcc)
    if len(recipients) > RECIPIENTS_MAX and len(addresses.merged(recipients)) > RECIPIENTS_MAX:
        raise InvalidNotification(
            "to", "has too many addresses", f"{RECIPIENTS_MAX:,} in to, cc and bcc together"
        )
    if notification.channel == "text":
        _check_text(notification)
    if addresses.has_control(notification.subject):
        raise refuse("subject", "has a control character")
    if notification.id is not None and not _ID.fullmatch(notification.id):
        raise refuse("id", "has a character or form that is not allowed")
    if notification.key is not None and not notification.key.isprintable():
        raise refuse("key", "has a character that is not printable")
    if notification.attachments:
        _check_attachments(notification)
    not_before, expires = notification.not_before, notification.expires
    if not_before is not None and expires is not None and expires <= not_before:
        raise refuse("expires", "is not later than not_before")


def _check_text(notification: Notification) -> None:
    for field in _EMAIL_ONLY:
        if getattr(notification, field):
            raise InvalidNotification(field, "is not for texts", f'nothing in {field} with channel "text"')
    if not notification.message.strip():
        raise refuse("message", "is blank")


def _check_attachments(notification: Notification) -> None:
    inline_bytes = 0
    for index, attachment in enumerate(notification.attachments):
        if isinstance(attachment, InlineAttachment):
            inline_bytes += len(attachment.content)
            if fault := _name_fault(attachment.name):
                raise refuse(f"attachments[{index}].name", fault)
        elif isinstance(attachment, FileAttachment) and addresses.has_control(attachment.path):
            raise refuse(f"attachments[{index}].path", "has a control character")
    if inline_bytes > INLINE_MAX_BYTES:
        raise refuse("attachments", f"is longer than {INLINE_MAX_BYTES:,} bytes decoded")


def _name_fault(name: str) -> str | None:
    if addresses.has_control(name):
        return "has a control character"
    if "/" in name or "\\" in name or not name.strip(" ."):
        return "is not a file name without folders"
    return None


def check_unicode(document: Document) -> None:
    """Refuse strings that hold half a surrogate pair: JSON cannot bring one, a Python mapping can.

    Raises:
        InvalidNotification: The first field that no encoding can carry.
    """
    if _is_encodable(document):
        return
    broken = next(
        field for field in document.__struct_fields__ if not _is_encodable(getattr(document, field))
    )
    raise refuse(broken, "is not valid Unicode")


def _is_encodable(value: object) -> bool:
    try:
        msgspec.json.encode(value)
    except UnicodeEncodeError:
        return False
    return True
