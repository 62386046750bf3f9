"""Wait until a notification has come to its end, or a person's patience has."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable
from typing import Protocol

import redis

from console.cli.screen import Screen
from console.presenting.relative_time import duration
from tasks.ledger import FINAL_STATES, LedgerQueries
from tasks.ledger.queries import Record

FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 2.0
_GROWTH = 1.5
_CLEAR_LINE = "\r\x1b[K"


class Progress(Protocol):
    """Told how things stand after each look."""

    def __call__(self, record: Record | None, waited_seconds: float) -> None:
        """Show it."""


def wait_for_end(
    queries: LedgerQueries,
    notification_id: str,
    seconds: float,
    *,
    progress: Progress,
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> Record | None:
    """The record when it is final or the time is over; None where Redis answered not once.

    A Redis that goes away meanwhile is asked again: the notification is in its ledger all the same.
    """
    began = clock()
    record: Record | None = None
    gap = FIRST_PAUSE_SECONDS
    while True:
        with contextlib.suppress(redis.ConnectionError, redis.TimeoutError):
            record = queries.get(notification_id)
        waited = clock() - began
        progress(record, waited)
        left = seconds - waited
        if left <= 0 or (record is not None and record.state in FINAL_STATES):
            return record
        pause(min(gap, left))
        gap = min(gap * _GROWTH, LONGEST_PAUSE_SECONDS)


def shown_progress(number: int) -> Progress:
    """One line on stderr that is rewritten, on a terminal; nothing elsewhere."""
    screen = Screen.of(sys.stderr)

    def show(record: Record | None, waited_seconds: float) -> None:
        if not screen.is_terminal:
            return
        state = record.state if record else "Redis does not answer"
        over = record is not None and record.state in FINAL_STATES
        line = "" if over else f"ID={number} {state}, {duration(waited_seconds * 1000)}"
        sys.stderr.write(f"{_CLEAR_LINE}{screen.paint(line, 'dim')}")
        sys.stderr.flush()

    return show
