"""A test for a person at a terminal: a line for each step as soon as it is over."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Final, Generic

from console.cli.cell_text import shown, wrapped
from console.cli.output import say
from console.cli.screen import Colour, Screen
from tasks.live_test.report import StageOutcome
from tasks.live_test.storage import Report

#: Of a step that is over.
MARKS: Final[dict[StageOutcome, tuple[str, Colour]]] = {
    "ok": ("✓", "green"),
    "failed": ("✗", "red"),
    "not_reached": ("·", "dim"),
}
INDENT: Final = "      "
_CLEAR_LINE: Final = "\r\x1b[K"


class LiveView(Generic[Report]):
    """Prints what is new in a report each time it is shown.

    Args:
        screen: Where to.
        lines: Everything that is certain so far; a line once given stays as it is.
        running: What is being done now; blank for nothing.
        quiet: Print nothing.
    """

    def __init__(
        self,
        screen: Screen,
        lines: Callable[[Report, Screen], Iterable[str]],
        running: Callable[[Report], str],
        *,
        quiet: bool,
    ) -> None:
        self._screen = screen
        self._lines = lines
        self._what_runs = running
        self._quiet = quiet
        self._printed = 0
        self._running = ""

    def show(self, report: Report) -> None:
        """Print the lines that were not printed before, and on a terminal what is being done now."""
        if self._quiet:
            return
        lines = list(self._lines(report, self._screen))
        running = self._what_runs(report)
        if len(lines) == self._printed and running == self._running:
            return
        if self._running:
            self._write(_CLEAR_LINE)
        for line in lines[self._printed :]:
            say(line)
        self._printed = len(lines)
        self._running = running if self._screen.is_terminal else ""
        if self._running:
            self._write(f"  {self._screen.paint(self._running, 'dim')}")

    @staticmethod
    def _write(text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()


def block(text: str, screen: Screen, colour: Colour) -> Iterable[str]:
    """Words below a step."""
    for line in wrapped(shown(text), screen.columns - len(INDENT)):
        yield f"{INDENT}{screen.paint(line, colour)}"
