"""The name that a file has in a mail: one line, no folder, nothing that deceives, each of them once."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

#: What file systems take at most.
NAME_MAX_BYTES: Final = 255
NAMELESS: Final = "attachment"

_FOLDER = re.compile(r".*[\\/]", re.DOTALL)
# Controls end lines, format characters turn the direction of what follows (`exe.gpj` reads as `jpg.exe`),
# lone surrogates cannot be written.
_UNSHOWABLE: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def safe_name(name: str) -> str:
    """The name as a mail may carry it."""
    bare = _FOLDER.sub("", name)
    bare = "".join("" if unicodedata.category(each) in _UNSHOWABLE else each for each in bare)
    bare = bare.strip(" ").rstrip(" .") or NAMELESS
    return _fitting(*_split(bare))


def numbered(names: Sequence[str]) -> list[str]:
    """The names with a number where one repeats (`f.txt`, `f (2).txt`): many readers save into one folder."""
    taken = {name.casefold() for name in names}
    # By the name of those seen, the number that the next one of them is given at least.
    numbers: dict[str, int] = {}
    result = []
    for name in names:
        shown, key = name, name.casefold()
        number = numbers.get(key, 1)
        if number > 1:
            stem, suffix = _split(name)
            while (shown := _fitting(stem, suffix, f" ({number})")).casefold() in taken:
                number += 1
            taken.add(shown.casefold())
        numbers[key] = number + 1
        result.append(shown)
    return result


def _split(name: str) -> tuple[str, str]:
    stem, dot, suffix = name.rpartition(".")
    return (stem, dot + suffix) if stem else (name, "")


def _fitting(stem: str, suffix: str, between: str = "") -> str:
    """The whole name, as much shortened as a file system asks for; what is between stays."""
    while len((stem + between + suffix).encode()) > NAME_MAX_BYTES:
        stem, suffix = (stem[:-1], suffix) if len(stem) > 1 else (stem, suffix[:-1])
    return stem + between + suffix
