"""Ends what takes too long: the SMB library waits for an answer without a time-out of its own."""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

#: What is watched when this process is asked to end is given so long; its notifications then go to others.
STOPPING_SECONDS: Final = 5.0
_LOOK_EVERY_SECONDS: Final = 0.5


def never() -> bool:
    """What a process that nobody stops says."""
    return False


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

    Args:
        stopping: Whether this process is to end; nothing is then given more than `STOPPING_SECONDS`.
    """

    def __init__(self, stopping: Callable[[], bool] = never) -> None:
        self._stopping = stopping
        self._stops_at = float("inf")
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
            self._wakes_at = min((watch.until for watch in self._watches.values()), default=float("inf"))
            self._wait(self._wakes_at - time.monotonic())
            now = time.monotonic()
            if self._stopping():
                self._stops_at = min(self._stops_at, now + STOPPING_SECONDS)
            over = [
                number for number, watch in self._watches.items() if min(watch.until, self._stops_at) <= now
            ]
            due = [self._watches.pop(number) for number in over]
            for watch in due:
                watch.is_over = True
            return due

    def _wait(self, seconds: float) -> None:
        """Until something changes or so many seconds are over; with something to watch, not for long."""
        if not self._watches:
            self._changed.wait()
        elif seconds > 0:
            self._changed.wait(min(seconds, _LOOK_EVERY_SECONDS))
