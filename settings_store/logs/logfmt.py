"""Words as name=value, on one line whatever the values are."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from typing import Any, Final

#: What needs no quotes: no blank, no quote, no equals sign, and nothing that a terminal would obey.
_PLAIN: Final = re.compile(r"""[!#-<>-~]+""")


_NUMBERS: Final = frozenset({int, float})


def logfmt(fields: Mapping[str, Any]) -> str:
    """The fields in their order; what is None is left out."""
    return " ".join(
        [
            # Most are plain words or numbers, and there are many of them.
            f"{name}={value}"
            if type(value) in _NUMBERS or (type(value) is str and _is_plain(value))
            else f"{name}={_value(value)}"
            for name, value in fields.items()
            if value is not None
        ]
    )


@functools.lru_cache(maxsize=1_024)
def _is_plain(text: str) -> bool:
    """Most words of a line are those of the lines before."""
    return _PLAIN.fullmatch(text) is not None


def _value(value: object) -> str:
    match value:
        case str():
            # A kind of its own may show itself as something else.
            text = str.__str__(value)
        case bool():
            return "true" if value else "false"
        case int():
            return int.__repr__(value)
        case list() | tuple() | set() | frozenset():
            text = ",".join(map(str, value))
        case _:
            text = str(value)
    # JSON's way of quoting makes ASCII of everything, so that a line stays one and obeys nobody.
    return text if _is_plain(text) else json.dumps(text)
