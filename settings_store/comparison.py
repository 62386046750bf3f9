"""What differs between the options at two revisions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from settings_store.catalog import ALL_OPTIONS
from settings_store.history import Pair, masked
from settings_store.kinds import Value
from settings_store.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two revisions side by side, as they were set: what a mirror lays over an option is left out.

    Attributes:
        older: The revision that is looked at from.
        newer: The revision that is looked at; it may be the lower number.
        changes: Value at the one and at the other of each option that differs, secrets masked.
        same_secrets: Secrets that are set at both and were not set anew in between.
    """

    older: int
    newer: int
    changes: Mapping[str, Pair]
    same_secrets: tuple[str, ...]


def compare(older: Snapshot, newer: Snapshot) -> Comparison:
    """Lay two revisions side by side, in the order of the options.

    A secret is told apart by its seal, so no key is needed; the same secret sealed once more counts as
    changed.
    """
    pairs = {key: (_stored(older, key), _stored(newer, key)) for key in _keys(older, newer)}
    return Comparison(
        older.revision,
        newer.revision,
        masked({key: pair for key, pair in pairs.items() if pair[0] != pair[1]}),
        tuple(key for key, (old, new) in pairs.items() if old == new != "" and _is_secret(key)),
    )


def _keys(older: Snapshot, newer: Snapshot) -> Iterator[str]:
    """Every option, then what only another version of this program knows."""
    yield from ALL_OPTIONS
    yield from sorted((older.stored.keys() | newer.stored.keys()) - ALL_OPTIONS.keys())


def _stored(snapshot: Snapshot, key: str) -> Value:
    return snapshot.own(key) if key in ALL_OPTIONS else snapshot.stored.get(key, "")


def _is_secret(key: str) -> bool:
    return key in ALL_OPTIONS and ALL_OPTIONS[key].secret
