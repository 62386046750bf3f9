"""Text from elsewhere, made fit for a terminal: nothing in it can move the cursor, and its width is known.

A server's reply, a subject or a reason is written by somebody else; an escape sequence in one of them could
otherwise rewrite what an operator sees.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

#: Controls, invisible formatting (it can turn the reading direction), separators of lines, lone surrogates.
_UNSHOWN = frozenset({"Cc", "Cf", "Zl", "Zp", "Cs", "Co", "Cn"})
_BYTE = 0x100
_PLANE = 0x10000
_ELLIPSIS = "…"


def shown(text: object) -> str:
    """The text in one line, with whatever a terminal would obey written as an escape."""
    return "".join(_escaped(character) for character in str(text))


def cells(text: str) -> int:
    """How many columns the text takes: East Asian wide characters two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(_cells(character) for character in text)


def padded(text: str, width: int) -> str:
    """The text with blanks after it up to a width; longer text as it is."""
    return text + " " * (width - cells(text))


def cut(text: str, width: int) -> str:
    """The text within a width, its end replaced by an ellipsis where it is longer."""
    if cells(text) <= width:
        return text
    return _head(text, width - 1)[0] + _ELLIPSIS


def wrapped(text: str, width: int) -> list[str]:
    """The text in lines of at most a width, at least one; broken between words where that is possible."""
    lines: list[str] = []
    line = ""
    for word in text.split():
        if line and cells(line) + 1 + cells(word) <= width:
            line += f" {word}"
            continue
        if line:
            lines.append(line)
        *full, line = _pieces(word, max(width, 2))
        lines += full
    return [*lines, line]


def _pieces(word: str, width: int) -> Iterator[str]:
    rest = word
    while rest:
        piece, rest = _head(rest, width)
        yield piece


def _head(text: str, width: int) -> tuple[str, str]:
    taken = 0
    for place, character in enumerate(text):
        taken += _cells(character)
        if taken > width:
            return text[:place], text[place:]
    return text, ""


def _cells(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _escaped(character: str) -> str:
    if character.isascii() and character.isprintable():
        return character
    if unicodedata.category(character) not in _UNSHOWN:
        return character
    code = ord(character)
    if code < _BYTE:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < _PLANE else f"\\U{code:08x}"
