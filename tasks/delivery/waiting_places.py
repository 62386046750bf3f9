"""The places in which passes of one process wait for a turn that is near, and keep their slots meanwhile."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

#: One slot in so many may wait, or one slot for that part of its time.
SHARE: Final = 4


class WaitingPlaces:
    """Lets a quarter of a process' slots wait: those who wait for one server leave slots for the others.

    Where there are fewer than four slots one may wait, but rests after that: what is waited away is no more
    than a quarter of all slots' time. One object a process; safe between threads.

    Args:
        slots: How many passes this process makes at once.
        clock: Seconds that only grow.
    """

    def __init__(self, slots: Callable[[], int], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._slots = slots
        self._clock = clock
        self._lock = threading.Lock()
        self._taken_until: list[float] = []

    def take(self, seconds: float) -> bool:
        """Take a place for so long, if there is one; nobody says when it is free again."""
        slots = max(self._slots(), 1)
        places = max(slots // SHARE, 1)
        taken_for = seconds * max(places * SHARE / slots, 1.0)
        with self._lock:
            now = self._clock()
            self._taken_until = [until for until in self._taken_until if until > now]
            if len(self._taken_until) >= places:
                return False
            self._taken_until.append(now + taken_for)
            return True
