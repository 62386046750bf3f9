"""Words as name=value, on one line whatever the values are."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

#: What needs no quotes: no blank, no quote, no equals sign, and nothing that a terminal would obey.
_PLAIN: Final = re.compile(r"""[!#-<>-~]+""")


def logfmt(fields: Mapping[str, Any]) -> str:
    """The fields in their order; what is None is left out."""
    words = []
    for name, value in fields.items():
        # Most are plain words or numbers, and there are many of them.
        if type(value) is int or (type(value) is str and _PLAIN.fullmatch(value)):
            words.append(f"{name}={value}")
        elif value is not None:
            words.append(f"{name}={_value(value)}")
    return " ".join(words)


def _value(value: object) -> str:
    match value:
        case str():
            text = value
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case list() | tuple() | set() | frozenset():
            text = ",".join(map(str, value))
        case _:
            text = str(value)
    # JSON's way of quoting makes ASCII of everything, so that a line stays one and obeys nobody.
    return text if _PLAIN.fullmatch(text) else json.dumps(text)
