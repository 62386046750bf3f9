"""Tells a process, and the children that it forks, that they are to end."""

from __future__ import annotations

import mmap
import time
from typing import Final

_LOOK_EVERY_SECONDS: Final = 0.25


class StopSign:
    """Set once, in the process that is asked to stop; seen by the children that it forked since it made it.

    It is a byte of shared memory without a lock: a fork in the middle of anything copies nothing held.
    """

    def __init__(self) -> None:
        self._byte = mmap.mmap(-1, 1)

    def set(self) -> None:
        """From now on everybody is to end."""
        self._byte[0] = 1

    def is_set(self) -> bool:
        """Whether this process is to end."""
        return self._byte[0] != 0

    def wait(self, seconds: float) -> bool:
        """Sleep, but not much past the moment at which it is set; whether it is."""
        end = time.monotonic() + seconds
        while not self.is_set() and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, _LOOK_EVERY_SECONDS))
        return self.is_set()
