"""One entry of a timeline for a person: when, which server, what happened, and what it said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from console.cli.cell_text import cells, shown, wrapped
from console.cli.screen import Colour, Screen
from console.cli.state_words import entry_words
from console.presenting.entry_facts import facts, whom
from console.presenting.relative_time import clock_time, duration, relative
from settings_store.catalog import GROUPS

#: Under the time since acceptance, so that a reply has most of the line.
_INDENT = " " * 12
_SINCE_COLUMNS = 9


def entry_lines(
    entry: Mapping[str, Any],
    *,
    accepted_at_ms: int,
    now_ms: int,
    is_last: bool,
    recipients: tuple[str, ...],
    screen: Screen,
) -> Iterator[str]:
    """The lines of one entry: the first tells what happened, the others why."""
    at_ms = int(entry.get("at") or accepted_at_ms)
    since = f"+{duration(at_ms - accepted_at_ms)}"
    begin = f"  {clock_time(at_ms, date=False)}  {since:<{_SINCE_COLUMNS}} "
    mark, colour, words, reason = entry_words(entry)
    who = _who(entry)
    alike = int(entry.get("alike") or 1)
    happened = f"{begin}{mark} {who}{words}{f', {alike:,} times' if alike > 1 else ''}"
    beside = f"{happened}, {reason}"
    fits = bool(reason) and cells(beside) <= screen.columns
    yield begin + screen.paint((beside if fits else happened).removeprefix(begin), colour)
    more: list[tuple[str, tuple[Colour, ...]]] = [] if fits or not reason else [(reason, ())]
    for text, paints in (*more, *_details(entry, now_ms, is_last=is_last, recipients=recipients)):
        for line in wrapped(shown(text), screen.columns - len(_INDENT)):
            yield f"{_INDENT}{screen.paint(line, *paints)}"


def _who(entry: Mapping[str, Any]) -> str:
    """The server, or the file, that the entry is about."""
    server = entry.get("server")
    if server:
        return f"{GROUPS.get(str(server), shown(server))}: "
    return f"{shown(entry['file'])}: " if entry.get("file") else ""


def _details(
    entry: Mapping[str, Any], now_ms: int, *, is_last: bool, recipients: tuple[str, ...]
) -> Iterator[tuple[str, tuple[Colour, ...]]]:
    reply = " ".join(str(entry[name]) for name in ("code", "enhanced", "text") if entry.get(name))
    if reply:
        yield f"it said{', the first time' if entry.get('alike', 1) > 1 else ''}: {reply}", ()
    if meant := whom(entry, recipients):
        yield f"for {meant}", ()
    if is_last and entry.get("next_at"):
        next_ms = int(entry["next_at"])
        yield f"next try {clock_time(next_ms, date=False)}, {relative(next_ms, now_ms)}", ()
    if entry.get("rule"):
        yield f"chosen: {entry['rule']}", ("dim",)
    if small_print := facts(entry):
        yield small_print, ("dim",)
