"""Who asks for a test, as report and audit name them."""

from __future__ import annotations

from typing import Final

from tasks.live_test.errors import InvalidDraft

_MAXIMUM_CHARACTERS: Final = 200


def checked_author(given: str) -> str:
    """The name in one line.

    Raises:
        InvalidDraft: It is blank.
    """
    by = " ".join(given.split())[:_MAXIMUM_CHARACTERS]
    if not by:
        raise InvalidDraft("by: is blank; allowed: the name of who asks for the test")
    return by
