"""How long one pass waits by itself for a turn that is near, in place of going back to the due-set."""

from __future__ import annotations

from typing import Final

from tasks.delivery.waiting_places import WaitingPlaces

#: What is urgent waits so long in all; the due-set is looked at each second.
URGENT_SECONDS: Final = 2.5
LEAST_WAIT_SECONDS: Final = 0.05


class Patience:
    """That of one pass: none where it is not urgent.

    Args:
        places: Where it may wait.
        urgent: Whether the notification has high priority.
    """

    def __init__(self, places: WaitingPlaces, *, urgent: bool) -> None:
        self._places = places
        self._left_seconds = URGENT_SECONDS if urgent else 0.0

    def wait_for(self, seconds: float) -> float:
        """How long to wait here, which is counted; 0 where that is too long, or too many wait already."""
        seconds = max(seconds, LEAST_WAIT_SECONDS)
        if seconds > self._left_seconds or not self._places.take(seconds):
            return 0.0
        self._left_seconds -= seconds
        return seconds
