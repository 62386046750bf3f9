"""The notifications that tell of an incident: by e-mail, by text, by what still works."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from settings_store.address_list import addresses_in
from settings_store.snapshot import Snapshot
from tasks.entries import entry_of
from tasks.fallback import Condition
from tasks.ledger import Entry
from tasks.notices.incident import Incident, subject_of, text_of
from tasks.notification_document import VERSION, Notification
from tasks.server import Channel

_NAMESPACE: Final = uuid.UUID("c9a0d6f8-6e0e-4a4a-9a38-3d0c1f1b7f52")
_SUBJECT_STARTS: Final = "Notifier"
_CHANNELS: Final[tuple[Channel, ...]] = ("email", "text")
_UP: Final = frozenset({"well", "fallback"})


def letters(
    incident: Incident, snapshot: Snapshot, conditions: Mapping[Channel, Condition]
) -> Iterator[Entry]:
    """What the ledger is to record, the same however often it is asked for the same incident.

    Args:
        incident: What is told.
        snapshot: The options: to whom.
        conditions: How each channel stands now. Where no e-mail goes out, who gets texts is told by text.
    """
    email_to = addresses_in(snapshot.text("notices.email_to"))
    text_to = addresses_in(snapshot.text("notices.text_to"))
    by_text = snapshot.flag("notices.text_always") or conditions.get("email") not in _UP or not email_to
    # That something is held is not told by what would be held with it.
    closed = {channel for channel in _CHANNELS if conditions.get(channel, conditions.get("email")) == "unset"}
    if incident.event != "held":
        closed = set()
    if email_to and "email" not in closed:
        yield _entry(incident, snapshot, "email", email_to)
    if text_to and by_text and "text" not in closed:
        yield _entry(incident, snapshot, "text", text_to)


def _entry(incident: Incident, snapshot: Snapshot, channel: Channel, to: tuple[str, ...]) -> Entry:
    is_text = channel == "text"
    notification = Notification(
        version=VERSION,
        channel=channel,
        to=to,
        subject="" if is_text else f"{_SUBJECT_STARTS}: {subject_of(incident)}",
        message=f"{_SUBJECT_STARTS}: {subject_of(incident)}" if is_text else text_of(incident),
        id=str(uuid.uuid5(_NAMESPACE, f"{incident.id} {channel}")),
        priority="high",
        exclude_prefix=True,
    )
    return msgspec.structs.replace(
        entry_of(notification, snapshot),
        key=hashlib.sha256(f"notice\n{incident.id}\n{channel}".encode()).hexdigest(),
        kind="notice",
        begins_with={"verdict": "notice", "reason": f"{incident.event}, incident {incident.id}"},
    )
