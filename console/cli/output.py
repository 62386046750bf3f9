"""Data goes to stdout, words about it to stderr; what the one cannot encode is written plainer."""

from __future__ import annotations

import json
import sys
from typing import Any, TextIO

from console.cli.cell_text import shown
from console.cli.errors import CommandError
from console.cli.screen import Screen

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
    screen = Screen.of(sys.stderr)
    tell(f"{screen.paint('warning:', 'yellow')} {shown(text)}")


def show_error(error: CommandError) -> None:
    """What is wrong, and what to type next."""
    screen = Screen.of(sys.stderr)
    tell(f"{screen.paint('error:', 'red', 'bold')} {shown(error.message)}")
    for detail in error.details:
        tell(f"  {shown(detail)}")
    if error.hint:
        tell(f"{screen.paint('hint:', 'bold')} {shown(error.hint)}")


def _write(stream: TextIO, text: str) -> None:
    encoding = stream.encoding or "ascii"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        text = text.translate(_PLAIN).encode(encoding, "backslashreplace").decode(encoding)
    stream.write(text)
