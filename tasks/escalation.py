"""The text that follows an e-mail which does not get through: when, to whom, in which words.

It is a notification of its own, the *child*. Its id and key follow from the parent's id, so that there is one
child however often the parent's pass is repeated.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from settings_store.address_list import addresses_in
from settings_store.snapshot import Snapshot
from tasks.entries import entry_of
from tasks.escalation_limit import WINDOW_MINUTES
from tasks.ledger import Entry
from tasks.line_breaks import one_line
from tasks.mail_content import DEFAULT_SUBJECT
from tasks.notification_document import VERSION, Notification

#: A text shows 160 characters of it; the rest is not stored a second time.
MESSAGE_MAX_CHARACTERS: Final = 1_000
_NAMESPACE: Final = uuid.UUID("5f8e36a4-1c39-4c0c-9a53-0d3f4f0a7b11")


def child_id(parent_id: str) -> str:
    """The id of the text that follows an e-mail."""
    return str(uuid.uuid5(_NAMESPACE, parent_id))


def text_recipients(notification: Notification, snapshot: Snapshot) -> tuple[str, ...]:
    """Who gets the text; nobody where it is turned off, or where this is a text already."""
    if notification.channel != "email" or not snapshot.flag("escalation.enabled"):
        return ()
    return notification.escalate_text_to or addresses_in(snapshot.text("escalation.text_to"))


def is_due(outcomes: Sequence[str], *, tries: int, after: int) -> bool:
    """Whether an e-mail wants its text now.

    Args:
        outcomes: The letters of its recipients after a pass.
        tries: Tries of the whole chain so far, this one included.
        after: So many must have left somebody open. An e-mail that ends before, and reached nobody at all,
            wants its text at once: there is no later try to wait for.
    """
    if any(letter in "ou" for letter in outcomes):
        return tries >= after
    return "d" not in outcomes


def child_entry(
    parent: Notification,
    *,
    parent_id: str,
    number: int,
    to: tuple[str, ...],
    snapshot: Snapshot,
    is_last: bool = False,
) -> Entry:
    """What the ledger records of the text.

    Args:
        parent: The e-mail.
        parent_id: Its id.
        number: Its running number, by which the text refers to it.
        to: Who gets the text.
        snapshot: The options.
        is_last: Whether it stands for all that are late after this one, too.
    """
    child = Notification(
        version=VERSION,
        channel="text",
        to=to,
        message=_last_message(number) if is_last else _message(parent, number),
        id=child_id(parent_id),
        priority="high",
        expires=parent.expires,
        context=parent.context,
        properties=parent.properties,
    )
    begins_with: dict[str, Any] = {
        "verdict": "escalation",
        "reason": f"follows the e-mail ID={number}, which did not get through ({parent_id})",
        "notification": parent_id,
        "number": number,
    }
    return msgspec.structs.replace(
        entry_of(child, snapshot), key=_key(parent_id), kind="escalation", begins_with=begins_with
    )


def escalated_event(
    *, at_ms: int, child: str, number: int, recipients: int, before: bool = False
) -> dict[str, Any]:
    """What the e-mail's timeline says of its text; `before` where that is final, as after a replay."""
    whom = "1 recipient" if recipients == 1 else f"{recipients} recipients"
    return {
        "at": at_ms,
        "verdict": "escalated",
        "reason": f"the text ID={number} {'went' if before else 'goes'} to {whom} ({child})",
        "indexes": [],
        "notification": child,
        "number": number,
    }


def spared_event(*, at_ms: int, limit: int) -> dict[str, Any]:
    """What the e-mail's timeline says where too many others were followed by a text before it."""
    return {
        "at": at_ms,
        "verdict": "escalation_spared",
        "reason": f"{limit} e-mails had a text within {WINDOW_MINUTES} minutes, one more told of the rest",
        "indexes": [],
    }


def _last_message(number: int) -> str:
    return (
        f"Mail {number} and others undelivered. No more texts about mails for {WINDOW_MINUTES} min: "
        "see notify message list --state waiting"
    )


def _message(parent: Notification, number: int) -> str:
    """Which mail is missing and what it said; tokens stay, for the text has the same context."""
    trigger = parent.context.trigger or DEFAULT_SUBJECT
    subject = one_line(parent.subject) or one_line(trigger)
    words = f"Mail {number} undelivered: {subject}"
    return (f"{words}: {parent.message}" if parent.message.strip() else words)[:MESSAGE_MAX_CHARACTERS]


def _key(parent_id: str) -> str:
    """No publisher's key can be the same: keys hold no line break."""
    return hashlib.sha256(f"escalation\n{parent_id}".encode()).hexdigest()
