"""Where to go after signing in: a page of ours, never another site."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

#: A slash, then neither a second one nor a backslash, which browsers take for one; nothing invisible.
_LOCAL: Final = re.compile(r"/(?![/\\])[!-\[\]-~]*")
_MAXIMUM_CHARACTERS: Final = 2000


def local_path(asked: str, *, otherwise: str = "/") -> str:
    """The path where it is one of this address, else another."""
    if len(asked) > _MAXIMUM_CHARACTERS or not _LOCAL.fullmatch(asked):
        return otherwise
    try:
        parts = urlsplit(asked)
    except ValueError:
        return otherwise
    return otherwise if parts.scheme or parts.netloc else asked
