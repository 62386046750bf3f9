"""How long a server asks to be left alone, where its reply says so in words."""

from __future__ import annotations

import re

#: A server that names more than a day is not believed: the age limit of a notification is about that.
MAXIMUM_SECONDS = 24 * 60 * 60

_UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600}
_AMOUNT = r"(?P<number>\d{1,6})[\s-]*(?P<unit>s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?)\b"
_FLAGS = re.ASCII | re.IGNORECASE
#: Best first: a reply may name its own time-out as well as the wait it asks for.
_FORMS = (
    re.compile(r"\b(?:retry|try\s+again|try|come\s+back|wait)[a-z\s:=-]{1,30}?(?<!\d)" + _AMOUNT, _FLAGS),
    re.compile(r"\bretry[\s_-]*after[\s:=]*(?P<number>\d{1,6})(?![\d.])(?P<unit>)", _FLAGS),
    re.compile(r"(?<![\d.])" + _AMOUNT, _FLAGS),
)
_TELLS = re.compile(r"\bretry[\s_-]*after\b|\btry\s+again\s+(?:in|after)\s+\d", _FLAGS)


def asks_to_retry_later(text: str) -> bool:
    """Whether the reply names a time to come back, or at least says "retry after"."""
    return _TELLS.search(text) is not None


def retry_after_seconds(text: str) -> int | None:
    """The wait that a reply names ("retry after 300", "in 5 minutes"), at most a day; None without one."""
    found = next(filter(None, (form.search(text) for form in _FORMS)), None)
    if found is None:
        return None
    unit = (found["unit"] or "s")[0].lower()
    return min(int(found["number"]) * _UNIT_SECONDS[unit], MAXIMUM_SECONDS)
