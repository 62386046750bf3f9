"""What happens to notifications, a line for each thing that happened."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from console.cli.cell_text import cut, shown
from console.cli.screen import Screen
from console.cli.state_words import COLOUR_OF_STATE, entry_words
from console.presenting.message_json import happened, recipients_of
from console.presenting.relative_time import clock_time, relative, rfc3339
from settings_store.catalog import GROUPS
from tasks.ledger.queries import Record

_NUMBER_COLUMNS = 10
_MARKED_COLUMNS = 22
#: An attempt is noted when it ends, with the time it began.
_ATTEMPT_UNDER_WAY_MS = 60_000
#: A watch may run for weeks.
REMEMBERED = 10_000
_CHANNEL = {"email": "e-mail", "text": "text"}
#: The line of the state says these better.
_SAID_BY_STATE = frozenset({"cancelled", "expired"})


class WatchView:
    """Remembers what it showed, so that each thing is told once."""

    def __init__(self, screen: Screen, *, since_ms: int) -> None:
        self._screen = screen
        self._since_ms = since_ms - _ATTEMPT_UNDER_WAY_MS
        #: By number, the one shown longest ago first: entries of the timeline that were shown, and the state.
        self._shown: dict[int, tuple[int, str]] = {}

    def begin(self, record: Record) -> None:
        """Take what its timeline has now as shown."""
        self._shown[record.number] = (len(record.timeline), "")

    def lines(self, record: Record, *, at_ms: int) -> Iterator[str]:
        """What is new about a record, whose state changed at this time."""
        entries, state = self._advance(record)
        begin = f"ID={record.number}".ljust(_NUMBER_COLUMNS)
        for entry in entries:
            if entry.get("verdict") in _SAID_BY_STATE:
                continue
            mark, colour, words, reason = entry_words(entry)
            server = entry.get("server")
            who = f"{GROUPS.get(str(server), shown(server))}: " if server else ""
            text = f"{mark} {who}{words}{f', {reason}' if reason else ''}"
            yield self._line(int(entry.get("at") or at_ms), begin, text, colour)
        if state != record.state:
            text = self._state(record, at_ms)
            yield self._line(at_ms, begin, text, *COLOUR_OF_STATE[record.state])

    def document(self, record: Record, *, at_ms: int) -> dict[str, Any]:
        """The same as JSON with stable names."""
        entries, _ = self._advance(record)
        return {
            "at": rfc3339(at_ms),
            "id": record.id,
            "number": record.number,
            "channel": record.channel,
            "state": record.state,
            "reason": record.reason or None,
            "next_at": rfc3339(record.next_at_ms),
            **happened(entries, recipients_of(record)),
        }

    def _advance(self, record: Record) -> tuple[list[dict[str, Any]], str]:
        """The entries that were not shown yet, and the state that was shown last."""
        known, state = self._shown.pop(record.number, (None, ""))
        if known is None:
            known = sum(int(entry.get("at") or 0) < self._since_ms for entry in record.timeline)
        self._shown[record.number] = (len(record.timeline), record.state)
        if len(self._shown) > REMEMBERED:
            del self._shown[next(iter(self._shown))]
        return list(record.timeline[known:]), state

    def _state(self, record: Record, now_ms: int) -> str:
        reason = shown(record.reason)
        match record.state:
            case "queued" | "sending":
                told = _CHANNEL[record.channel]
            case "waiting" if record.next_at_ms is not None:
                told = f"again {relative(record.next_at_ms, now_ms)}: {reason}"
            case "delivered" if record.perhaps_twice:
                told = "perhaps twice" + (f", {reason}" if reason else "")
            case "cancelled":
                # Of the timeline: there the operator's own words stand behind the name.
                why = (
                    entry.get("reason") for entry in record.timeline if entry.get("verdict") == record.state
                )
                told = shown([reason, *why][-1] or "")
            case _:
                told = reason
        return f"{record.state.upper():<10} {told}".rstrip()

    def _line(self, at_ms: int, begin: str, text: str, *colours: Any) -> str:
        room = max(self._screen.columns - _MARKED_COLUMNS, 20) if self._screen.is_terminal else len(text) + 1
        return f"{clock_time(at_ms, date=False)}  {begin}  {self._screen.paint(cut(text, room), *colours)}"
