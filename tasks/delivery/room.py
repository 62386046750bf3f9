"""How many passes a process makes at once: as many as it has slots, whoever brought them."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator


class Room:
    """The passes under way in one process; safe between threads.

    Args:
        slots: How many there may be.
    """

    def __init__(self, slots: Callable[[], int]) -> None:
        self._slots = slots
        self._lock = threading.Lock()
        self._taken = 0

    def take(self, wanted: int) -> int:
        """Take as many places as are free, no more than wanted and one in any case; how many that are."""
        with self._lock:
            taken = max(min(wanted, self._slots() - self._taken), 1)
            self._taken += taken
            return taken

    def leave(self, places: int = 1) -> None:
        """Give places back."""
        with self._lock:
            self._taken -= places

    @property
    def is_for_one(self) -> bool:
        """Whether there is a single slot, as in a child of a pool of processes."""
        return self._slots() == 1

    @property
    def is_crowded(self) -> bool:
        """Whether more places are taken than there are: whoever has several is to give some back."""
        return self._taken > self._slots()

    @contextlib.contextmanager
    def one(self) -> Iterator[None]:
        """Have the one place of a slot while the block runs."""
        self.take(1)
        try:
            yield
        finally:
            self.leave()
