"""Where output goes: how wide it is, and whether it shows colour (https://no-color.org)."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TextIO

DEFAULT_COLUMNS = 80
LEAST_COLUMNS = 60

Colour = Literal["red", "green", "yellow", "cyan", "bold", "dim"]
_CODES: Mapping[Colour, str] = {
    "red": "31",
    "green": "32",
    "yellow": "33",
    "cyan": "36",
    "bold": "1",
    "dim": "2",
}


@dataclass(frozen=True, slots=True)
class Screen:
    """What a stream can show.

    Attributes:
        columns: Width that prose is wrapped to.
        is_terminal: Whether a person looks at it now; tables are cut to the width only then.
        coloured: Whether colour may be used.
    """

    columns: int = DEFAULT_COLUMNS
    is_terminal: bool = False
    coloured: bool = False

    @classmethod
    def of(cls, stream: TextIO, environ: Mapping[str, str] = os.environ) -> Screen:
        """Look at a stream; COLUMNS sets the width where it is set."""
        terminal = stream.isatty()
        columns = shutil.get_terminal_size((DEFAULT_COLUMNS, 24)).columns if terminal else 0
        asked = environ.get("COLUMNS", "")
        if asked.isdecimal():
            columns = int(asked)
        return cls(
            columns=max(columns or DEFAULT_COLUMNS, LEAST_COLUMNS),
            is_terminal=terminal,
            coloured=terminal and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb",
        )

    def paint(self, text: str, *colours: Colour) -> str:
        """The text in colours, where there are any."""
        if not self.coloured or not colours or not text:
            return text
        return f"\x1b[{';'.join(_CODES[colour] for colour in colours)}m{text}\x1b[0m"
