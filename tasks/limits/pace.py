"""From a limit per minute to a burst and its window: pure arithmetic."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Final

_MINUTE_MS: Final = 60_000
#: A burst is the limit divided by one of these, the least that leaves least unused.
_FEWEST_BURSTS: Final = 6
_MOST_BURSTS: Final = 12
#: One place is kept free where a limit is from the first to the second of these: below, that would cost more
#: than a tenth of it; above, the next place is half a second away at most.
_KEPT_FROM: Final = 10
_KEPT_TO: Final = 120


@dataclass(frozen=True, slots=True)
class Pace:
    """At most `burst` messages in any `window_ms`, wherever that window begins.

    As many windows as there are bursts in the limit cover a minute, so no minute, wherever it begins, sees
    more than the limit.

    Attributes:
        burst: Messages that may go at once after a while of silence; about a sixth of the limit.
        window_ms: Milliseconds; the rate that lasts is burst per window.
    """

    burst: int
    window_ms: int


def kept_for_urgent(messages_per_minute: int) -> int:
    """How many of the messages of a minute none but urgent ones take: so one that comes goes at once."""
    return int(_KEPT_FROM <= messages_per_minute <= _KEPT_TO)


@functools.cache
def pace_of(messages_per_minute: int) -> Pace:
    """The pace that keeps a limit.

    It uses the whole limit where a number from 6 to 12 divides it, or where it is below 13, and never leaves
    more than a thirteenth of it unused.

    Args:
        messages_per_minute: At least 1.
    """
    fewest = min(messages_per_minute, _FEWEST_BURSTS)
    most = min(messages_per_minute, _MOST_BURSTS)
    bursts = max(range(fewest, most + 1), key=lambda n: (messages_per_minute // n * n, -n))
    return Pace(burst=messages_per_minute // bursts, window_ms=-(-_MINUTE_MS // bursts))
