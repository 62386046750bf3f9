"""Options, changes and history as JSON with stable names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from console.presenting.relative_time import rfc3339
from settings_store.catalog import ALL_OPTIONS, selected
from settings_store.change import Change
from settings_store.comparison import Comparison
from settings_store.history import Mark, Pair, Revision
from settings_store.snapshot import MIRRORS, Snapshot
from settings_store.transfer.reading import Reading

_SECOND_MS = 1000


def listed(keys: Sequence[str], snapshot: Snapshot, marks: Mapping[str, Mark]) -> dict[str, Any]:
    """Options with the revision at which they hold."""
    return {
        "revision": snapshot.revision,
        "options": [_option(key, snapshot, marks.get(snapshot.source(key))) for key in keys],
    }


def marked(keys: Sequence[str], snapshot: Snapshot, marks: Mapping[str, Mark]) -> dict[str, Any]:
    """Values by option, each with its default and with who set it."""
    return {key: _value(key, snapshot, marks.get(snapshot.source(key))) for key in keys}


def compared(comparison: Comparison) -> dict[str, Any]:
    """What differs between two revisions; a mask on both sides is a secret that was set anew."""
    return {
        "from": comparison.older,
        "to": comparison.newer,
        "changes": _pairs(comparison.changes),
        "unchanged_secrets": list(comparison.same_secrets),
    }


def mirrored(group: str, snapshot: Snapshot) -> dict[str, Any]:
    """What a secondary server is now, and what its own values are."""
    flag, primary = MIRRORS[group]
    return {
        "on": snapshot.flag(flag),
        "primary": primary,
        "secondary": group,
        "options": {
            key: {"value": snapshot.get(key), "own": snapshot.get_own(key)} for key in selected(group)
        },
    }


def reading(read: Reading) -> dict[str, Any]:
    """What a file of options was, and what is told about it."""
    return {
        "source": read.source,
        "notes": [{"name": note.name, "topic": note.topic, "text": note.text} for note in read.notes],
    }


def change(made: Change) -> dict[str, Any]:
    """What a change did, or would do."""
    return {
        "revision": made.revision,
        "saved": made.saved,
        "changes": _pairs(made.changes),
        "warnings": list(made.warnings),
    }


def history(revisions: Sequence[Revision]) -> dict[str, Any]:
    """Revisions, newest first."""
    return {
        "revisions": [
            {
                "revision": revision.revision,
                "at": _time(revision.at),
                "author": revision.author,
                "reason": revision.reason,
                "changes": _pairs(revision.shown),
            }
            for revision in revisions
        ]
    }


def _option(key: str, snapshot: Snapshot, mark: Mark | None) -> dict[str, Any]:
    option = ALL_OPTIONS[key]
    return {
        "key": key,
        "label": option.label,
        **_value(key, snapshot, mark),
        "secret": option.secret,
        "allowed": option.kind.valid,
        "help": option.help,
    }


def _value(key: str, snapshot: Snapshot, mark: Mark | None) -> dict[str, Any]:
    return {
        "value": snapshot.get(key),
        "default": ALL_OPTIONS[key].default,
        "changed": key in snapshot.changed,
        "changed_by": mark.author if mark else None,
        "changed_at": _time(mark.at) if mark else None,
        "source": snapshot.source(key),
    }


def _pairs(changes: Mapping[str, Pair]) -> dict[str, dict[str, Any]]:
    return {key: {"before": before, "after": after} for key, (before, after) in changes.items()}


def _time(at: datetime) -> str | None:
    return rfc3339(at.timestamp() * _SECOND_MS)
