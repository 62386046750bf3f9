"""Options, changes and history for a person at a terminal."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from console.cli.cell_text import cells, shown, wrapped
from console.cli.screen import Colour, Screen
from console.cli.table import table
from console.presenting.relative_time import clock_time, relative
from settings_store.catalog import ALL_OPTIONS, GROUPS, selected
from settings_store.comparison import Comparison
from settings_store.history import Mark, Pair, Revision
from settings_store.kinds import MASK, Value
from settings_store.snapshot import MIRRORS, Snapshot

_SECOND_MS = 1000
_ARROW = "→"
_INDENT = "  "
_HEAD = ("OPTION", "VALUE", "SET BY")
_MANY = 2


def listed(
    keys: Sequence[str], snapshot: Snapshot, marks: Mapping[str, Mark], screen: Screen
) -> Iterator[str]:
    """A table of options, what differs from its default in full light; on a terminal one for each group.

    There the longest name of all would leave no room for the values of those that are shorter.
    """
    groups = [list(part) for _, part in itertools.groupby(keys, lambda key: ALL_OPTIONS[key].group)]
    if not screen.is_terminal or len(groups) < _MANY:
        yield from _table(keys, snapshot, marks, screen, head=_HEAD)
        return
    for place, group in enumerate(groups):
        if place:
            yield ""
        yield screen.paint(GROUPS[ALL_OPTIONS[group[0]].group], "bold")
        yield from _table(group, snapshot, marks, screen)


def _table(
    keys: Sequence[str],
    snapshot: Snapshot,
    marks: Mapping[str, Mark],
    screen: Screen,
    *,
    head: Sequence[str] = (),
) -> list[str]:
    rows = [
        (key, _value(key, snapshot.get(key)), _mark(key, snapshot, marks.get(snapshot.source(key))))
        for key in keys
    ]
    changed = [key in snapshot.changed for key in keys]

    def light(row: int, _: int) -> tuple[Colour, ...]:
        return () if changed[row] else ("dim",)

    return table(rows, screen, head=head if rows else (), flexible=1, last_first=True, paint=light)


def marked(keys: Sequence[str], snapshot: Snapshot, marks: Mapping[str, Mark], screen: Screen) -> list[str]:
    """A table of options with their defaults and with who set them."""
    rows = [
        (
            key,
            _value(key, snapshot.get(key)),
            _value(key, ALL_OPTIONS[key].default),
            _mark(key, snapshot, marks.get(snapshot.source(key))),
        )
        for key in keys
    ]
    return table(rows, screen, head=("OPTION", "VALUE", "DEFAULT", "SET BY"), flexible=1, last_first=True)


def compared(comparison: Comparison, screen: Screen) -> Iterator[str]:
    """Each option that differs between two revisions, and the secrets that do not."""
    yield from difference(comparison.changes, screen)
    for key in comparison.same_secrets:
        yield screen.paint(f"{key}  {MASK} (unchanged)", "dim")


def mirrored(group: str, snapshot: Snapshot, screen: Screen) -> Iterator[str]:
    """What a secondary server is now, and what it would be by its own options."""
    flag, primary = MIRRORS[group]
    on = snapshot.flag(flag)
    what = f"the same as {GROUPS[primary]} in every option" if on else "what its own options say"
    yield screen.paint(f"{GROUPS[group]} is {what} ({flag} is {on})", "bold")
    rows = [_mirrored_row(key, snapshot) for key in selected(group)]
    yield from table(rows, screen, head=("OPTION", "NOW", "AGAIN WHEN OFF" if on else ""), flexible=1)


def _mirrored_row(key: str, snapshot: Snapshot) -> tuple[str, str, str]:
    """An option without its group, the value that holds, and the own one where that is another."""
    own = snapshot.own(key)
    hidden = own != snapshot.own(snapshot.source(key))
    return key.partition(".")[2], _value(key, snapshot.get(key)), _value(key, own) if hidden else ""


def difference(changes: Mapping[str, Pair], screen: Screen) -> Iterator[str]:
    """Each option that differs, before and after: in one line where that fits."""
    width = max(map(len, changes), default=0)
    for key, (before, after) in changes.items():
        old, new = _value(key, before), _value(key, after)
        if old == new:
            new = f"{new} (changed)"
        line = f"{key:<{width}}  {old} {_ARROW} {new}"
        if cells(line) <= screen.columns or not screen.is_terminal:
            yield line
            continue
        yield key
        for lead, value in ((_INDENT, old), (f"{_ARROW} ", new)):
            first, *more = wrapped(value, screen.columns - len(_INDENT) * 2)
            yield f"{_INDENT}{lead}{first}"
            yield from (f"{_INDENT * 2}{rest}" for rest in more)


def history(revisions: Sequence[Revision], screen: Screen) -> Iterator[str]:
    """Each revision with its author, time, reason and diff."""
    for revision in revisions:
        at_ms = revision.at.timestamp() * _SECOND_MS
        head = screen.paint(f"revision {revision.revision}", "bold")
        yield f"{head}  {clock_time(at_ms)}  {_ago(revision.at)}  {shown(revision.author)}"
        if revision.reason:
            for line in wrapped(shown(revision.reason), screen.columns - len(_INDENT)):
                yield f"{_INDENT}{line}"
        narrower = Screen(screen.columns - len(_INDENT), screen.is_terminal, screen.coloured)
        for line in difference(revision.shown, narrower):
            yield f"{_INDENT}{screen.paint(line, 'dim')}"


def _value(key: str, value: Value) -> str:
    option = ALL_OPTIONS.get(key)
    if value == "":
        return "not set" if option is None or option.secret else '""'
    return MASK if option is not None and option.secret else shown(value)


def _mark(key: str, snapshot: Snapshot, mark: Mark | None) -> str:
    source = snapshot.source(key)
    if source != key:
        return f"as {source.partition('.')[0]}"
    if key not in snapshot.changed:
        return "default"
    return f"{shown(mark.author)}, {_ago(mark.at)}" if mark else "changed"


def _ago(at: datetime) -> str:
    return relative(at.timestamp() * _SECOND_MS, datetime.now(UTC).timestamp() * _SECOND_MS)
