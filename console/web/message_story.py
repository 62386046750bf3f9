"""One message as a page tells it: what it is, who has it, and what happened when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from console.cli.state_words import entry_words
from console.presenting.entry_facts import facts, whom
from console.presenting.message_json import recipients_of
from console.presenting.relative_time import duration
from console.presenting.timeline_groups import grouped
from settings_store.catalog import GROUPS
from tasks.ledger.queries import Record
from tasks.notification import (
    FileAttachment,
    InvalidNotification,
    JobOutputAttachment,
    Notification,
    load,
)

_TONES: Final[Mapping[str, str]] = {"green": "good", "red": "bad", "yellow": "warn"}
#: Who did not get it comes first.
_ORDER: Final = ("refused", "uncertain", "open", "delivered")


@dataclass(frozen=True, slots=True)
class Happening:
    """One entry of the timeline.

    Attributes:
        at_ms: When.
        since: How long after it was accepted, in words.
        tone: `good`, `bad`, `warn` or blank.
        title: What happened.
        reason: Why; may be blank.
        reply: What the server said; may be blank.
        whom: Of whom it speaks, where that is not everybody.
        rule: Why this server; may be blank.
        facts: The rest, in words.
        next_ms: When it goes on; None where that is not said.
    """

    at_ms: int
    since: str
    tone: str
    title: str
    reason: str
    reply: str
    whom: str
    rule: str
    facts: str
    next_ms: int | None


@dataclass(frozen=True, slots=True)
class RecipientOutcome:
    """What became of one recipient."""

    address: str
    outcome: str
    perhaps_twice: bool


def content_of(record: Record) -> Notification | None:
    """What was asked for; None where it cannot be read any more."""
    try:
        return load(record.content)
    except InvalidNotification:
        return None


def attachments_of(notification: Notification) -> list[str]:
    """The attachments by name."""
    names = []
    for each in notification.attachments:
        if isinstance(each, FileAttachment):
            names.append(each.path)
        elif isinstance(each, JobOutputAttachment):
            names.append(f"output of job {each.job_output}")
        else:
            names.append(f"{each.name} ({len(each.content):,} bytes)")
    return names


def outcomes_of(record: Record) -> list[RecipientOutcome]:
    """Each recipient, those without it first."""
    found = [
        RecipientOutcome(address, outcome, place in record.perhaps_twice)
        for place, (address, outcome) in enumerate(zip(recipients_of(record), record.outcomes, strict=True))
    ]
    return sorted(found, key=lambda one: (_ORDER.index(one.outcome), not one.perhaps_twice))


def timeline_of(record: Record) -> list[Happening]:
    """What happened, in order."""
    recipients = recipients_of(record)
    return [_happening(entry, record, recipients) for entry in grouped(record.timeline)]


def _happening(entry: Mapping[str, Any], record: Record, recipients: tuple[str, ...]) -> Happening:
    at_ms = int(entry.get("at") or record.accepted_at_ms)
    _, colour, words, reason = entry_words(entry)
    alike = int(entry.get("alike") or 1)
    who = GROUPS.get(str(entry.get("server")), str(entry.get("server") or "")) or str(entry.get("file") or "")
    title = f"{who}: {words}" if who else words[:1].upper() + words[1:]
    return Happening(
        at_ms=at_ms,
        since=duration(at_ms - record.accepted_at_ms),
        tone=_TONES.get(colour, ""),
        title=f"{title}, {alike:,} times" if alike > 1 else title,
        reason=reason,
        reply=" ".join(str(entry[name]) for name in ("code", "enhanced", "text") if entry.get(name)),
        whom=whom(entry, recipients),
        rule=str(entry.get("rule") or ""),
        facts=facts(entry),
        next_ms=int(entry["next_at"]) if entry.get("next_at") else None,
    )
