"""Ends what takes too long: the SMB library waits for an answer without a time-out of its own."""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(eq=False, slots=True)
class Watch:
    """One thing that is watched.

    Attributes:
        until: When the time is over, by `time.monotonic`.
        end: What ends it; called once, by the watchdog's thread.
        is_over: Whether it was ended.
    """

    until: float
    end: Callable[[], None]
    is_over: bool = False


class Watchdog:
    """Calls an end for each thing that is still running when its time is over; one thread for all of them.

    The thread begins with the first thing to watch. Not for use across a fork.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._watches: dict[int, Watch] = {}
        self._numbers = itertools.count()
        self._wakes_at = float("inf")
        self._thread: threading.Thread | None = None

    @contextlib.contextmanager
    def watching(self, seconds: float, end: Callable[[], None]) -> Iterator[Watch]:
        """Call `end` if the inside takes longer; whether it was is told by `is_over`."""
        number, watch = self.watch(seconds, end)
        try:
            yield watch
        finally:
            self.unwatch(number)

    def watch(self, seconds: float, end: Callable[[], None]) -> tuple[int, Watch]:
        """Call `end` after so many seconds, unless `unwatch` is called with the number before."""
        watch = Watch(time.monotonic() + seconds, end)
        number = next(self._numbers)
        with self._changed:
            self._watches[number] = watch
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="smb-watchdog", daemon=True)
                self._thread.start()
            elif watch.until < self._wakes_at:
                self._changed.notify()
        return number, watch

    def unwatch(self, number: int) -> bool:
        """Leave it alone; False where it was ended already, or is being ended now."""
        with self._changed:
            return self._watches.pop(number, None) is not None

    def _run(self) -> None:
        while True:
            for watch in self._due():
                # A connection that cannot even be closed must not keep the others from being watched.
                with contextlib.suppress(Exception):
                    watch.end()

    def _due(self) -> list[Watch]:
        """Wait until the time of something is over."""
        with self._changed:
            now = time.monotonic()
            self._wakes_at = min((watch.until for watch in self._watches.values()), default=float("inf"))
            if self._wakes_at > now:
                idle = self._wakes_at == float("inf")
                self._changed.wait(None if idle else self._wakes_at - now)
            now = time.monotonic()
            over = [number for number, watch in self._watches.items() if watch.until <= now]
            due = [self._watches.pop(number) for number in over]
            for watch in due:
                watch.is_over = True
            return due
