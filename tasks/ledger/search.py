"""A list by filter, newest first: never more than a bounded look at Redis, however many records there are.

Each call of the script looks at a bounded number of records and blocks Redis for about a millisecond; a page
takes as many calls as it needs, up to a bound of its own. Where that is reached, the page ends early and says
where to go on, and the total becomes "at least".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from tasks.ledger.message_filter import MessageFilter
from tasks.ledger.pages import Page, Summary
from tasks.ledger.scripts import Scripts

#: Records looked at in one call of the script.
LOOK: Final = 200
#: Records looked at for one page, where what is asked for is rare among them.
PAGE_LOOK: Final = 10_000
_ROWS_A_CALL: Final = 500


class InvalidCursor(ValueError):
    """What `after` was given is not what a page said."""


@dataclass(slots=True)
class _Looked:
    """An answer of the script."""

    total: int
    matches: int
    looked: int
    at_end: bool
    last: tuple[str, str]
    rows: tuple[Summary, ...]


def search(
    scripts: Scripts, wanted: MessageFilter, *, limit: int = 50, offset: int = 0, after: str | None = None
) -> Page:
    """A page of what a filter matches; see `LedgerQueries.search`."""
    position = _position(after)
    summaries: dict[int, Summary] = {}
    looks, seen, total, at_end = 0, 0, -1, False
    next_after = None
    while len(summaries) < limit and not at_end and looks < PAGE_LOOK + offset + limit:
        some = min(limit - len(summaries), _ROWS_A_CALL)
        skip = max(offset - seen, 0)
        looked = _look(scripts, wanted, rows=some, skip=skip, position=position)
        looks += looked.looked
        total, at_end = looked.total, looked.at_end
        # One that moved from list to list meanwhile may be met twice.
        summaries.update((row.number, row) for row in looked.rows)
        position = looked.last
        is_full = len(looked.rows) == some
        if is_full:
            position = (str(looked.rows[-1].accepted_at_ms), str(looked.rows[-1].number))
        # The next call meets again what was seen beyond the last row.
        seen += skip + some if is_full and len(summaries) < limit else looked.matches
        at_end = at_end and not (is_full and len(summaries) < limit and position != looked.last)
        next_after = None if at_end and position == looked.last else ".".join(position)
    exact = True
    if total < 0 and (after is not None or not limit):
        first = _look(scripts, wanted, rows=0, skip=0, position=("", ""))
        if first.total >= 0:
            total = first.total
        else:
            total, exact = max(first.matches, len(summaries)), first.at_end
    elif total < 0:
        total, exact = seen, at_end
    return Page(tuple(summaries.values()), total, exact, next_after)


def _look(
    scripts: Scripts, wanted: MessageFilter, *, rows: int, skip: int, position: tuple[str, str]
) -> _Looked:
    total, matches, looked, at_end, last_score, last_number, *found = scripts.run(
        "search",
        rows,
        skip,
        LOOK,
        "-inf" if wanted.since_ms is None else wanted.since_ms,
        "+inf" if wanted.until_ms is None else wanted.until_ms,
        *position,
        f",{','.join(wanted.states)}," if wanted.states else "",
        wanted.channel or "",
        wanted.priority or "",
        wanted.server or "",
        "1" if wanted.perhaps_twice else "",
        *wanted.terms,
    )
    return _Looked(
        total, matches, looked, bool(at_end), (last_score, last_number), tuple(_summary(row) for row in found)
    )


def _summary(row: list[Any]) -> Summary:
    number, row_id, twice, state, channel, priority, accepted_at, next_at, finished_at, reason, servers = row
    return Summary(
        id=row_id,
        number=int(number),
        state=state,
        channel=channel,
        priority=priority,
        accepted_at_ms=int(accepted_at),
        next_at_ms=int(float(next_at)) if next_at else None,
        finished_at_ms=int(float(finished_at)) if finished_at else None,
        reason=reason or "",
        servers=tuple((servers or "").strip(",").split(",")) if servers else (),
        perhaps_twice=bool(twice),
    )


def _position(after: str | None) -> tuple[str, str]:
    if after is None:
        return "", ""
    score, dot, number = after.partition(".")
    if not (dot and score.isascii() and score.isdecimal() and number.isascii() and number.isdecimal()):
        raise InvalidCursor("after: is no place in a list; allowed: what the page before it named")
    return score, number
