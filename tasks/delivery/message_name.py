"""What a message is called where limits are asked for it: one notification may be several messages."""

from __future__ import annotations


def message_name(notification_id: str, attempts: int) -> str:
    """The name of the message that a notification is to send after so many attempts."""
    return f"{notification_id}:{attempts + 1}"


def notification_of(name: str) -> str:
    """The id of the notification whose message this is."""
    return name.rpartition(":")[0]
