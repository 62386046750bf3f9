"""Lists of notifications: a line for each, and a page of lines."""

from __future__ import annotations

from dataclasses import dataclass

from tasks.ledger.records import Priority, State
from tasks.server import Channel


@dataclass(frozen=True, slots=True)
class Summary:
    """One line of a list. Times are Unix milliseconds, None where they do not apply.

    Attributes:
        servers: Those that it was tried by, in the order of their first attempt.
        perhaps_twice: Delivered to somebody who may have had it before, see `Record.perhaps_twice`.
    """

    id: str
    number: int
    state: State
    channel: Channel
    priority: Priority
    accepted_at_ms: int
    next_at_ms: int | None
    finished_at_ms: int | None
    reason: str
    servers: tuple[str, ...]
    perhaps_twice: bool


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list, newest first, and how many the whole list has.

    Attributes:
        total: How many match; at least so many where not `total_is_exact`.
        next_after: Where the next page begins, for `search(after=...)`; None where this is the last.
    """

    summaries: tuple[Summary, ...]
    total: int
    total_is_exact: bool = True
    next_after: str | None = None
