"""A token as text: `ntf_<id>_<secret>`.

The beginning is there to be found: by scanners of repositories and logs, and by the person who reads one. The
secret has 256 random bits, so a plain digest keeps it.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from typing import Final, NamedTuple

PREFIX: Final = "ntf_"
_SHAPE: Final = re.compile(r"ntf_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")


class TokenParts(NamedTuple):
    """A token taken apart.

    Attributes:
        id: May be seen.
        digest: What is kept of the secret.
    """

    id: str
    digest: str


def new_token() -> tuple[str, TokenParts]:
    """A token, to be shown once, and what is kept of it."""
    text = f"{PREFIX}{secrets.token_hex(6)}_{secrets.token_urlsafe(32)}"
    parts = parse(text)
    assert parts is not None  # noqa: S101  # for the type alone: the two lines above make this very shape
    return text, parts


def parse(text: str) -> TokenParts | None:
    """A token's parts; None where it is none."""
    shape = _SHAPE.fullmatch(text.strip())
    return TokenParts(shape[1], hashlib.sha256(shape[2].encode()).hexdigest()) if shape else None
