"""Enhanced status codes (RFC 3463): the `5.7.1` with which a reply says more than its three digits."""

from __future__ import annotations

import re
from typing import NamedTuple

_AT_START = re.compile(r"\s*([245])\.(\d{1,3})\.(\d{1,3})(?![.\d])", re.ASCII)


class EnhancedStatus(NamedTuple):
    """`class.subject.detail`, as the server wrote it.

    The class repeats the first digit of the reply code. Where the two differ the reply code is right, so
    a decision looks at code, subject and detail only.
    """

    class_: int
    subject: int
    detail: int

    def __str__(self) -> str:
        return f"{self.class_}.{self.subject}.{self.detail}"


def parse_enhanced_status(text: str) -> EnhancedStatus | None:
    """The enhanced status code at the start of a reply's text (RFC 2034); None where there is none."""
    found = _AT_START.match(text)
    if found is None:
        return None
    return EnhancedStatus(int(found[1]), int(found[2]), int(found[3]))
