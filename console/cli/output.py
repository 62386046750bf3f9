"""Data goes to stdout, words about it to stderr; what the one cannot encode is written plainer."""

from __future__ import annotations

import json
import sys
from typing import Any, TextIO

from console.cli.cell_text import shown, wrapped
from console.cli.errors import CommandError
from console.cli.screen import Colour, Screen

#: What stands for our marks where the stream's encoding lacks them.
_PLAIN = str.maketrans({"✓": "+", "✗": "x", "·": "-", "…": "~", "→": ">"})


def say(line: str = "") -> None:
    """A line of data."""
    _write(sys.stdout, f"{line}\n")


def say_json(value: Any) -> None:
    """One JSON value: indented for a person at a terminal, one line for a program."""
    indent = 2 if sys.stdout.isatty() else None
    encoding = (sys.stdout.encoding or "ascii").lower().replace("-", "")
    say(json.dumps(value, indent=indent, ensure_ascii=encoding != "utf8"))


def tell(line: str) -> None:
    """A line for the person who typed the command."""
    _write(sys.stderr, f"{line}\n")


def warn(text: str) -> None:
    """Something that stopped nothing and is not as it should be."""
    _tell_after("warning:", text, "yellow")


def show_error(error: CommandError) -> None:
    """What is wrong, and what to type next."""
    _tell_after("error:", error.message, "red", "bold")
    for detail in error.details:
        _tell_after(" ", detail)
    if error.hint:
        # In one line, however long: what is to be typed is copied from there.
        tell(f"{Screen.of(sys.stderr).paint('hint:', 'bold')} {shown(error.hint)}")


def _tell_after(mark: str, text: str, *colours: Colour) -> None:
    """A sentence behind a mark: in one line, on a terminal in lines that it has room for."""
    screen = Screen.of(sys.stderr)
    room = screen.columns - len(mark) - 1
    first, *more = wrapped(shown(text), room) if screen.is_terminal else [shown(text)]
    tell(f"{screen.paint(mark, *colours)} {first}")
    for line in more:
        tell(f"{' ' * len(mark)} {line}")


def _write(stream: TextIO, text: str) -> None:
    encoding = stream.encoding or "ascii"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        text = text.translate(_PLAIN).encode(encoding, "backslashreplace").decode(encoding)
    stream.write(text)
