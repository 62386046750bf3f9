"""The last hours as bars: how many notifications were accepted, and how many of those came to no good end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from tasks.ledger import DEAD_LETTERS, LedgerQueries, MessageFilter

HOURS: Final = 12
#: The drawing's own units; a page scales it.
WIDTH: Final = 720
HEIGHT: Final = 120
_HOUR_MS: Final = 3_600_000
_GAP: Final = 8


@dataclass(frozen=True, slots=True)
class Hour:
    """One of them.

    Attributes:
        begins_ms: When it begins.
        accepted: How many were accepted in it.
        undelivered: How many of those are dead letters now.
    """

    begins_ms: int
    accepted: int
    undelivered: int

    @property
    def begins(self) -> str:
        """When it begins, by the clock of UTC: `09:00`."""
        return f"{datetime.fromtimestamp(self.begins_ms / 1000, tz=UTC):%H:%M}"


@dataclass(frozen=True, slots=True)
class Bar:
    """An hour as it is drawn.

    Attributes:
        hour: What it tells.
        x: Its left edge.
        width: How wide it is.
        top: Upper edge of all that were accepted.
        height: Of the same.
        bad_top: Upper edge of the undelivered.
        bad_height: Of the same.
    """

    hour: Hour
    x: int
    width: int
    top: int
    height: int
    bad_top: int
    bad_height: int


def last_hours(queries: LedgerQueries, *, now_ms: int) -> list[Hour]:
    """Counted from the ledger's index, oldest first; the last one is not over."""
    first_ms = now_ms // _HOUR_MS * _HOUR_MS - (HOURS - 1) * _HOUR_MS
    return [_hour(queries, first_ms + place * _HOUR_MS) for place in range(HOURS)]


def bars(hours: list[Hour]) -> list[Bar]:
    """The hours as bars, the highest as high as the drawing; one that is not empty is always seen."""
    most = max((hour.accepted for hour in hours), default=0) or 1
    width = WIDTH // len(hours)
    drawn = []
    for place, hour in enumerate(hours):
        height, bad = (
            max(2, count * HEIGHT // most) if count else 0 for count in (hour.accepted, hour.undelivered)
        )
        drawn.append(
            Bar(hour, place * width + _GAP // 2, width - _GAP, HEIGHT - height, height, HEIGHT - bad, bad)
        )
    return drawn


def _hour(queries: LedgerQueries, begins_ms: int) -> Hour:
    until_ms = begins_ms + _HOUR_MS - 1
    accepted = queries.search(MessageFilter(since_ms=begins_ms, until_ms=until_ms), limit=1).total
    dead = MessageFilter(states=DEAD_LETTERS, since_ms=begins_ms, until_ms=until_ms)
    return Hour(begins_ms, accepted, queries.search(dead, limit=1).total if accepted else 0)
