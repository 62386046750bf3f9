"""What a person at the terminal reads: a line a step with its seconds, faults with a hint, and one box.

Needs nothing but the standard library, because the installer speaks through it too. Colour and lines that
are rewritten appear on a terminal only; NO_COLOR turns colour off (https://no-color.org).
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TextIO

_GREEN, _RED, _YELLOW, _BOLD, _DIM = "32", "31", "33", "1", "2"
_CLEAR_LINE = "\r\x1b[K"
#: Where the stream's encoding lacks the marks.
_PLAIN = str.maketrans(
    {"✓": "+", "✗": "x", "…": ".", "─": "-", "│": "|", "┌": "+", "┐": "+", "└": "+", "┘": "+"}
)


class Announcer:
    """Writes to a terminal or a file; when nobody reads any more it goes on in silence."""

    def __init__(self, stream: TextIO | None = None, environ: Mapping[str, str] = os.environ) -> None:
        self._stream = sys.stdout if stream is None else stream
        self._live = self._stream.isatty() and environ.get("TERM") != "dumb"
        self._coloured = self._live and not environ.get("NO_COLOR")
        self._gone = False
        self._running = ""

    @contextlib.contextmanager
    def step(self, what: str, *, began: float | None = None) -> Iterator[None]:
        """A step that takes time: shown while it runs on a terminal, with a tick and its seconds after it.

        Args:
            what: Its name.
            began: When, by the monotonic clock, where that was before now.
        """
        began = time.monotonic() if began is None else began
        if self._live:
            self._running = f"  {self._paint(_DIM, '…')} {what}"
            self._write(self._running)
        try:
            yield
        except BaseException:
            self._end_step()
            self._line(f"  {self._paint(_RED, '✗')} {what}")
            raise
        self._end_step()
        self.done(what, time.monotonic() - began)

    def done(self, what: str, seconds: float | None = None) -> None:
        """A step that is done."""
        took = "" if seconds is None else self._paint(_DIM, f"  {seconds:.1f} s")
        self._line(f"  {self._paint(_GREEN, '✓')} {what}{took}")

    def note(self, what: str) -> None:
        """Something worth knowing that stops nothing."""
        self._line(f"  {self._paint(_YELLOW, '!')} {what}")

    def say(self, what: str) -> None:
        """A plain line."""
        self._line(what)

    def fault(self, what: str, hint: str = "") -> None:
        """Why it ends, and what to do next."""
        self._line(f"{self._paint(_RED, 'error:')} {what}")
        if hint:
            self._line(f"{self._paint(_BOLD, 'hint:')} {hint}")

    def box(self, title: str, lines: Sequence[str]) -> None:
        """A compact box; a line that starts with `$ ` is a command to type, shown bold without the mark."""
        shown = [line.replace("$ ", "  ", 1) if line.startswith("$ ") else line for line in lines]
        width = max(len(title) + 2, *map(len, shown)) + 2
        self._line(f"\n┌─ {self._paint(_BOLD, title)} {'─' * (width - len(title) - 3)}┐")
        for line, text in zip(lines, shown, strict=True):
            padded = text.ljust(width - 1)
            self._line(f"│ {self._paint(_BOLD, padded) if line.startswith('$ ') else padded}│")
        self._line(f"└{'─' * width}┘\n")

    def _paint(self, colour: str, text: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self._coloured else text

    def _end_step(self) -> None:
        if self._running:
            self._running = ""
            self._write(_CLEAR_LINE)

    def _line(self, text: str) -> None:
        """A line above that of the step that runs."""
        self._write(f"{_CLEAR_LINE if self._running else ''}{text}\n{self._running}")

    def _write(self, text: str) -> None:
        if self._gone:
            return
        encoding = self._stream.encoding or "utf-8"
        try:
            text.encode(encoding)
        except UnicodeEncodeError:
            text = text.translate(_PLAIN).encode(encoding, "replace").decode(encoding)
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError:
            # The reader of a pipe left: what runs here goes on, and the interpreter's own last flush
            # must not fail either.
            self._gone = True
            with contextlib.suppress(OSError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())
