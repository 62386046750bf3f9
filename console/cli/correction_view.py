"""A correction of many notifications: its progress, and what became of how many and why."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from console.cli.cell_text import cut, shown
from console.cli.output import tell
from console.cli.screen import Screen
from console.cli.table import table
from tasks.corrections import DONE, Chosen, Corrected, CorrectionAnswer

_CLEAR_LINE = "\r\x1b[K"
_PROGRESS_EVERY: Final = 100
#: More reasons than these are put together.
REASONS_SHOWN: Final = 12
_REASON_COLUMNS: Final = 100

WORDS: Final[dict[CorrectionAnswer, str]] = {
    "replayed": "replayed",
    "cancelled": "cancelled",
    "asked": "being sent; stops before its next text",
    "refused": "left: no dead letter",
    "final": "left: final already",
    "expired": "left: expired; --even-expired takes it",
    "uncertain": "left: uncertain, may have arrived; --even-uncertain takes it",
    "unknown": "left: forgotten meanwhile",
}


def tally_lines(corrected: Iterable[Corrected], *, dry_run: bool, screen: Screen) -> list[str]:
    """How many came to what, by the state they were in and why; the most first."""
    counts = Counter(
        (_words(one, dry_run=dry_run), one.chosen.state, _reason(one.chosen)) for one in corrected
    )
    rows: list[tuple[str, ...]] = [
        (str(count), words, state, reason)
        for (words, state, reason), count in counts.most_common(REASONS_SHOWN)
    ]
    rest = sum(counts.values()) - sum(int(row[0]) for row in rows)
    if rest:
        rows.append((str(rest), "and others", "", f"{len(counts) - len(rows)} more reasons; --json has all"))
    head = ("COUNT", "OUTCOME", "STATE", "REASON")
    return table(rows, screen, head=head if rows else ())


def with_progress(corrected: Iterable[Corrected], total: int) -> Iterator[Corrected]:
    """The same, with a line on a terminal's stderr that tells how far it is."""
    screen = Screen.of(sys.stderr)
    lively = screen.is_terminal and total > _PROGRESS_EVERY
    for place, one in enumerate(corrected, 1):
        yield one
        if lively and place % _PROGRESS_EVERY == 0:
            sys.stderr.write(f"{_CLEAR_LINE}{screen.paint(f'{place} of {total}', 'dim')}")
            sys.stderr.flush()
    if lively:
        sys.stderr.write(_CLEAR_LINE)
        sys.stderr.flush()


def tell_broken_off(corrected: list[Corrected], total: int) -> None:
    """Ctrl-C, or Redis went away: what is done is done, and the rest is not begun."""
    done = sum(one.answer in DONE for one in corrected)
    tell(
        f"broken off: {done} of {total} are done for sure, and perhaps the next few; "
        "the same command goes on with the rest"
    )


def _words(one: Corrected, *, dry_run: bool) -> str:
    words = WORDS[one.answer]
    return f"would be {words}" if dry_run and one.answer in {"replayed", "cancelled"} else words


def _reason(chosen: Chosen) -> str:
    return cut(shown(chosen.reason), _REASON_COLUMNS)
