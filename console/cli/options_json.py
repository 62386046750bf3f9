"""Options, changes and history as JSON with stable names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from console.cli.relative_time import rfc3339
from settings_store.catalog import ALL_OPTIONS
from settings_store.change import Change
from settings_store.history import Mark, Pair, Revision
from settings_store.snapshot import Snapshot

_SECOND_MS = 1000


def listed(keys: Sequence[str], snapshot: Snapshot, marks: Mapping[str, Mark]) -> dict[str, Any]:
    """Options with the revision at which they hold."""
    return {
        "revision": snapshot.revision,
        "options": [_option(key, snapshot, marks.get(snapshot.source(key))) for key in keys],
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
        "value": snapshot.get(key),
        "default": option.default,
        "changed": key in snapshot.changed,
        "changed_by": mark.author if mark else None,
        "changed_at": _time(mark.at) if mark else None,
        "source": snapshot.source(key),
        "secret": option.secret,
        "allowed": option.kind.valid,
        "help": option.help,
    }


def _pairs(changes: Mapping[str, Pair]) -> dict[str, dict[str, Any]]:
    return {key: {"before": before, "after": after} for key, (before, after) in changes.items()}


def _time(at: datetime) -> str | None:
    return rfc3339(at.timestamp() * _SECOND_MS)
