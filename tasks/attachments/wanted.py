"""Which files a notification wants, tokens in their paths replaced."""

from __future__ import annotations

from tasks.notification_document import Attachment, FileAttachment, Notification
from tasks.tokens import expand


def wanted(notification: Notification, number: int) -> tuple[Attachment, ...]:
    """The attachments in order; whatever a value brings into a path, the path is judged with it."""
    return tuple(
        FileAttachment(expand(each.path, notification, number).text)
        if isinstance(each, FileAttachment)
        else each
        for each in notification.attachments
    )
