"""When a notification is tried again: a pure function of how often it was tried."""

from __future__ import annotations

from typing import Final

#: Front-loaded, because an alarm loses its value in minutes, then spread, because outages last hours.
GAPS_SECONDS: Final = (15.0, 45.0, 4 * 60.0, 10 * 60.0, 15 * 60.0)
LAST_GAP_SECONDS: Final = 60 * 60.0
#: A resend that follows too soon meets the first copy still in the server's queue.
RESEND_UNCERTAIN_AFTER_SECONDS: Final = 60.0
#: What waits for servers that are passed over is let go by the sweeper when that is over, so looking at it
#: more often than this would cost a long outage much and bring nothing.
LOOK_AGAIN_SECONDS: Final = 10 * 60.0


def gap_seconds(passes_made: int, *, draw: float, longest_seconds: float = LAST_GAP_SECONDS) -> float:
    """Seconds until the next pass: 50 to 100 % of the gap that follows so many passes.

    Args:
        passes_made: Passes over the chain so far, the one just made included; at least 1.
        draw: A random number from 0 to 1, so that what failed together does not come back together.
        longest_seconds: What the gaps grow to.
    """
    gap = GAPS_SECONDS[passes_made - 1] if passes_made <= len(GAPS_SECONDS) else longest_seconds
    return min(gap, longest_seconds) * (0.5 + 0.5 * draw)


def look_again_seconds(tries_made: int, *, draw: float) -> float:
    """Seconds until what waits for servers that are passed over is looked at anyway.

    Args:
        tries_made: Passes so far, those included that could try nobody; at least 1.
        draw: A random number from 0 to 1.
    """
    return min(gap_seconds(tries_made, draw=draw), LOOK_AGAIN_SECONDS * (0.5 + 0.5 * draw))
