"""What an attempt means for the breaker: a pure table of verdicts."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from tasks.verdict import Verdict


class Meaning(enum.Enum):
    """What a verdict says of the server, whatever it says of the message.

    DOWN counts towards opening; MISCONFIGURED opens at once; COMPLETED says that the server is there, signs
    us in and takes decisions; NOTHING says neither.
    """

    DOWN = "down"
    MISCONFIGURED = "misconfigured"
    COMPLETED = "completed"
    NOTHING = "nothing"


MEANINGS: Final[Mapping[Verdict, Meaning]] = MappingProxyType(
    {
        Verdict.UNCERTAIN: Meaning.DOWN,
        Verdict.STALE_CONNECTION: Meaning.NOTHING,
        Verdict.MISCONFIGURED: Meaning.MISCONFIGURED,
        Verdict.THROTTLED: Meaning.NOTHING,
        Verdict.SERVER_DOWN: Meaning.DOWN,
        Verdict.TOO_MANY: Meaning.COMPLETED,
        Verdict.RECIPIENT_WAITS: Meaning.COMPLETED,
        Verdict.RECIPIENT_REFUSED: Meaning.COMPLETED,
        Verdict.MESSAGE_WAITS: Meaning.COMPLETED,
        Verdict.MESSAGE_REFUSED: Meaning.COMPLETED,
        Verdict.DELIVERED: Meaning.COMPLETED,
    }
)


def meaning_of(verdict: Verdict | None) -> Meaning:
    """What a verdict means; None is an attempt that judged each recipient by itself, and so was completed."""
    return Meaning.COMPLETED if verdict is None else MEANINGS[verdict]
