"""One change of the options: what differs, what holds after it, and what its author is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from settings_store.catalog import ALL_OPTIONS
from settings_store.history import Pair
from settings_store.kinds import Value
from settings_store.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Change:
    """What a change did, or in a dry run would do.

    Attributes:
        revision: The revision that holds now.
        saved: Whether this change made it; False where nothing differed, and in a dry run.
        changes: Value before and after of each option that differs, secrets masked.
        warnings: What is wrong together in the options as they are after it.
    """

    revision: int
    saved: bool
    changes: Mapping[str, Pair]
    warnings: tuple[str, ...]


def difference(before: Snapshot, wanted: Mapping[str, Value]) -> dict[str, Pair]:
    """Which of the wanted values differ from the own ones, with both."""
    return {key: (before.own(key), value) for key, value in wanted.items() if before.own(key) != value}


def after_change(before: Snapshot, changes: Mapping[str, Pair]) -> Snapshot:
    """The options once the changes are saved; what is at its default is no longer stored."""
    stored = {**before.stored, **{key: new for key, (_, new) in changes.items()}}
    kept = {
        key: value
        for key, value in stored.items()
        if key not in ALL_OPTIONS or value != ALL_OPTIONS[key].default
    }
    return Snapshot(before.revision + 1, kept, before.cipher)
