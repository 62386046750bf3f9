"""A notification and what became of it, as JSON with stable names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from console.presenting.relative_time import rfc3339
from tasks.dead_letter import cause_of
from tasks.ledger.queries import Page, Record
from tasks.notification import InvalidNotification, envelope_recipients, load

#: What an entry of the timeline says under its own name.
_SAME_NAME = ("stage", "verdict", "code", "enhanced", "text")

#: Verdicts of entries that name a server that was not tried.
_LEFT_ALONE = frozenset({"passed_over", "paused"})
#: What an entry says besides where it is about a file.
_OF_A_FILE = ("file", "bytes", "seconds")


def show(record: Record) -> dict[str, Any]:
    """Everything about one notification; what does not apply is null."""
    recipients, cause = recipients_of(record), cause_of(record)
    return {
        "id": record.id,
        "number": record.number,
        "channel": record.channel,
        "state": record.state,
        "reason": record.reason or None,
        "accepted_at": rfc3339(record.accepted_at_ms),
        "finished_at": rfc3339(record.finished_at_ms),
        "next_at": rfc3339(record.next_at_ms),
        "recipients": dict(zip(recipients, record.outcomes, strict=True)),
        **happened(record.timeline, recipients),
        "priority": record.priority,
        "servers": list(record.servers),
        "perhaps_twice": [recipients[place] for place in sorted(record.perhaps_twice)],
        "runbook": cause.link if cause else None,
    }


def happened(timeline: Iterable[Mapping[str, Any]], recipients: tuple[str, ...]) -> dict[str, Any]:
    """Entries of a timeline: the attempts, and what else happened."""
    attempts, events = [], []
    for entry in timeline:
        if _is_attempt(entry):
            attempts.append(_attempt(entry, recipients))
        else:
            events.append(_event(entry))
    return {"attempts": attempts, "events": events}


def listed(page: Page) -> dict[str, Any]:
    """A part of the list, newest first, and how many there are."""
    return {
        "messages": [
            {
                "id": summary.id,
                "number": summary.number,
                "state": summary.state,
                "channel": summary.channel,
                "accepted_at": rfc3339(summary.accepted_at_ms),
                "finished_at": rfc3339(summary.finished_at_ms),
                "next_at": rfc3339(summary.next_at_ms),
                "priority": summary.priority,
                "servers": list(summary.servers),
                "perhaps_twice": summary.perhaps_twice,
                "reason": summary.reason or None,
            }
            for summary in page.summaries
        ],
        "total": page.total,
        "total_is_exact": page.total_is_exact,
        "next": page.next_after,
    }


def recipients_of(record: Record) -> tuple[str, ...]:
    """The recipients in the order of the envelope; numbers where the content cannot be read any more."""
    try:
        addresses = envelope_recipients(load(record.content))
    except InvalidNotification:
        addresses = ()
    if len(addresses) == len(record.outcomes):
        return addresses
    return tuple(f"recipient {place}" for place in range(1, len(record.outcomes) + 1))


def named(entry: Mapping[str, Any], recipients: tuple[str, ...]) -> list[str]:
    """The recipients that an entry of the timeline speaks of."""
    places = entry.get("indexes")
    if not isinstance(places, list):  # an empty Lua table is written as an object
        return []
    return [recipients[int(place)] for place in places if 0 <= int(place) < len(recipients)]


def _is_attempt(entry: Mapping[str, Any]) -> bool:
    """Whether a server was tried; one that was passed over was not."""
    return bool(entry.get("server")) and entry.get("verdict") not in _LEFT_ALONE


def _attempt(entry: Mapping[str, Any], recipients: tuple[str, ...]) -> dict[str, Any]:
    return {
        "at": rfc3339(entry.get("at")),
        "pass": entry.get("pass"),
        "server": entry["server"],
        **{name: entry.get(name) for name in _SAME_NAME},
        "recipients": named(entry, recipients),
        "revision": entry.get("revision"),
        "seconds": entry.get("seconds"),
        "next_at": rfc3339(entry.get("next_at")),
        "reason": entry.get("reason"),
        "rule": entry.get("rule"),
        # Of the file that was lost while it was sent.
        **{name: entry[name] for name in ("file",) if name in entry},
    }


def _event(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "at": rfc3339(entry.get("at")),
        "pass": entry.get("pass"),
        "verdict": entry.get("verdict"),
        "reason": entry.get("reason"),
        # Of the server that was passed over, the other notification that this tells of, or who did it.
        **{name: entry[name] for name in ("server", "notification", "number", "by") if name in entry},
        **{name: entry[name] for name in _OF_A_FILE if name in entry},
    }
