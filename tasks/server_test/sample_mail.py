"""The message of a test that sends one: rendered as notifications are, so that it meets the same filters."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from settings_store.catalog import GROUPS
from settings_store.snapshot import Snapshot
from tasks.delivery.options import text_options
from tasks.entries import checked
from tasks.rendering import RenderedMessage, render
from tasks.server import Server

SUBJECT: Final = "Test Notification"
#: No notification bears it: the ledger counts from 1.
NUMBER: Final = 0


def sample_mail(
    server: Server, snapshot: Snapshot, *, test_id: str, to: str, worker: str, now: datetime
) -> RenderedMessage:
    """A mail or, by an SMS server, a text that says where it comes from."""
    title = GROUPS[server.name]
    is_text = server.name.endswith("_sms")
    message = (
        f"Test by {title}, {now:%H:%M:%S} UTC"
        if is_text
        else f"This is a test of {title}, made by the worker {worker} at {now:%Y-%m-%d %H:%M:%S} UTC.\n"
        "That you read it means that mail goes out by this server. Nothing needs to be done.\n"
        "ID=0 says that it is no notification: it is not in the list of messages."
    )
    document = {
        "version": 1,
        "channel": "text" if is_text else "email",
        "to": [to],
        "message": message,
        **({} if is_text else {"subject": SUBJECT}),
    }
    return render(
        checked(document),
        notification_id=test_id,
        number=NUMBER,
        accepted_at=now,
        sender=server.sender,
        options=text_options(snapshot),
        recipient=to if is_text else None,
    )
