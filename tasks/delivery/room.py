"""How many passes a process makes at once: as many as it has slots, whoever brought them."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator


class Room:
    """The passes under way in one process, never more than it has slots; safe between threads.

    A worker that is killed leaves as many mails uncertain as it was sending: that is what this bounds.

    Args:
        slots: How many there may be.
    """

    def __init__(self, slots: Callable[[], int]) -> None:
        self._slots = slots
        self._changed = threading.Condition()
        self._taken = 0
        self._waiting = 0

    def take(self, wanted: int, *, patience_seconds: float = 0.0) -> int:
        """Take as many places as are free, no more than wanted; how many that are.

        Where none is, one that somebody has beyond the first is waited for: its pass is finished before.

        Args:
            wanted: How many.
            patience_seconds: Before that, wait so long at the most for half of all places, or for what is
                wanted: many for a short time do more than one for a long time.
        """
        with self._changed:
            self._changed.wait_for(
                lambda: self._slots() - self._taken >= min(wanted, max(self._slots() // 2, 1)),
                patience_seconds,
            )
            self._waiting += 1
            try:
                self._changed.wait_for(lambda: self._taken < max(self._slots(), 1))
            finally:
                self._waiting -= 1
            taken = max(min(wanted, self._slots() - self._taken), 1)
            self._taken += taken
            return taken

    def leave(self, places: int = 1) -> None:
        """Give places back."""
        with self._changed:
            self._taken -= places
            self._changed.notify_all()

    @property
    def is_for_one(self) -> bool:
        """Whether there is a single slot, as in a child of a pool of processes."""
        return self._slots() == 1

    @property
    def is_crowded(self) -> bool:
        """Whether somebody waits for a place: whoever has several is to give some back."""
        return self._taken + self._waiting > self._slots()

    @contextlib.contextmanager
    def one(self) -> Iterator[None]:
        """Have the one place of a slot while the block runs."""
        self.take(1)
        try:
            yield
        finally:
            self.leave()
