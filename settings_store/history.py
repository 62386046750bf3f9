"""What was changed, by whom and when: the rows of the history, and how values follow from them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from settings_store.catalog import ALL_OPTIONS
from settings_store.errors import DamagedSettings
from settings_store.kinds import MASK, Value

#: An option's value before and after.
Pair = tuple[Value, Value]
_MILLISECONDS_PER_SECOND = 1000


@dataclass(frozen=True, slots=True)
class Revision:
    """One saved change.

    Attributes:
        revision: Its number; the first is 1.
        at: When, by the clock of Redis.
        author: Who saved it.
        reason: Why, in the author's words; may be blank.
        change_id: Made by the saving process, so that a repeated call finds its own row again.
        changes: Value before and after of each option, secrets sealed: show `shown` instead.
    """

    revision: int
    at: datetime
    author: str
    reason: str
    change_id: str
    changes: Mapping[str, Pair] = field(repr=False)

    @property
    def shown(self) -> dict[str, Pair]:
        """The changes with secrets masked."""
        return masked(self.changes)

    @property
    def line(self) -> str:
        """The change in one line, without values."""
        at = self.at.strftime("%Y-%m-%d %H:%M:%S UTC")
        return f"revision {self.revision}: {self.author} at {at} changed {', '.join(self.changes)}"


@dataclass(frozen=True, slots=True)
class Mark:
    """Who set an option that differs from its default, and when."""

    author: str
    at: datetime


def masked(changes: Mapping[str, Pair]) -> dict[str, Pair]:
    """The same changes, with a mask where a secret is set; so are options unknown to this version."""
    return {
        key: pair if key in ALL_OPTIONS and not ALL_OPTIONS[key].secret else (_mask(pair[0]), _mask(pair[1]))
        for key, pair in changes.items()
    }


def read_row(row: str) -> Revision:
    """A row as the script wrote it.

    Raises:
        DamagedSettings: It is not one of ours.
    """
    try:
        document = json.loads(row)
        return Revision(
            revision=document["revision"],
            at=instant(document["at"]),
            author=document["author"],
            reason=document["reason"],
            change_id=document["change_id"],
            changes={key: (old, new) for key, (old, new) in document["changes"].items()},
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        pass
    raise DamagedSettings("the history of the settings holds a row that was not written by this program")


def instant(milliseconds: int) -> datetime:
    """A moment of the clock of Redis, in UTC."""
    return datetime.fromtimestamp(milliseconds / _MILLISECONDS_PER_SECOND, tz=UTC)


def replay(revisions: Iterable[Revision]) -> dict[str, Value]:
    """The stored values after all these revisions, oldest first, from nothing set."""
    values: dict[str, Value] = {}
    for revision in revisions:
        values = _with(values, {key: new for key, (_, new) in revision.changes.items()})
    return values


def rewind(values: Mapping[str, Value], revisions: Iterable[Revision]) -> dict[str, Value]:
    """The stored values before all these revisions, newest first, from the values after them."""
    before = dict(values)
    for revision in revisions:
        before = _with(before, {key: old for key, (old, _) in revision.changes.items()})
    return before


def _with(values: Mapping[str, Value], news: Mapping[str, Value]) -> dict[str, Value]:
    """Values with some replaced; what is at its default is not stored."""
    merged = {**values, **news}
    return {key: value for key, value in merged.items() if key not in news or not _is_default(key, value)}


def _is_default(key: str, value: Value) -> bool:
    option = ALL_OPTIONS.get(key)
    return option is not None and value == option.default


def _mask(value: Value) -> Value:
    return MASK if value != "" else ""
