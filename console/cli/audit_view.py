"""Rows of the audit for a person, for a table and for a program."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from console.cli.cell_text import shown, wrapped
from console.cli.options_view import difference
from console.cli.screen import Screen
from console.presenting.relative_time import clock_time, relative, rfc3339
from settings_store.audit_row import Row

COLUMNS: Final = ("at", "actor", "source", "action", "target", "outcome", "detail", "id")
_SECOND_MS: Final = 1000
_INDENT: Final = "  "
#: A spreadsheet would run what begins so as a formula.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def document(row: Row) -> dict[str, Any]:
    """A row as JSON with stable names."""
    return {
        "at": rfc3339(row.at.timestamp() * _SECOND_MS),
        "actor": row.actor,
        "source": row.source,
        "action": row.action,
        "target": row.target,
        "outcome": row.outcome,
        "detail": dict(row.detail),
        "id": row.id,
    }


def cell(value: Any) -> str:
    """A value in one cell of a table; what a spreadsheet would take for a formula begins with a quote."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"'{text}" if text.startswith(_FORMULA) else text


def lines(rows: Iterable[Row], screen: Screen) -> Iterator[str]:
    """Each row with its detail beneath it."""
    now_ms = datetime.now(UTC).timestamp() * _SECOND_MS
    for row in rows:
        at_ms = row.at.timestamp() * _SECOND_MS
        what = screen.paint(f"{row.action} {shown(row.target)}".rstrip(), "bold")
        outcome = "" if row.outcome == "done" else f"  {screen.paint(row.outcome.upper(), 'red')}"
        yield f"{what}{outcome}"
        by = f"{clock_time(at_ms)}, {relative(at_ms, now_ms)}, by {shown(row.actor)}"
        source = f" ({shown(row.source)})" if row.source else ""
        for line in wrapped(f"{by}{source}", screen.columns - len(_INDENT)):
            yield f"{_INDENT}{line}"
        for line in _detail(row.detail, screen):
            yield f"{_INDENT}{screen.paint(line, 'dim')}"


def _detail(detail: Mapping[str, Any], screen: Screen) -> Iterator[str]:
    narrower = Screen(screen.columns - len(_INDENT), screen.is_terminal, screen.coloured)
    for name, value in detail.items():
        if name == "changes" and isinstance(value, Mapping):
            yield from difference(
                {key: (pair[0], pair[1]) for key, pair in value.items() if isinstance(pair, list)}, narrower
            )
        elif value not in ("", None, [], {}):
            yield from wrapped(f"{name}: {shown(_words(value))}", narrower.columns)


def _words(value: Any) -> str:
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return ", ".join(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
