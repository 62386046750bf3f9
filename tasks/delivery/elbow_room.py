"""How many batches of a process go at once: as many as fill its interpreter, and no more.

Python runs one thread at a time. Where servers answer at once, two or three batches keep a process busy; with
sixteen it delivers no more, but each delivery costs half as much again, for the threads take turns. Where
servers take their time all of them go.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Final

#: So many go whatever the processor says.
AT_LEAST: Final = 2
#: How long a batch waits for the others at most; it has a slot meanwhile.
PATIENCE_SECONDS: Final = 0.5
#: The processor is looked at this often, while somebody waits.
LOOK_SECONDS: Final = 0.02
#: Shares of one processor: with less than the first one more may go, with more than the second one less.
ROOM_BELOW: Final = 0.75
CROWDED_ABOVE: Final = 0.9


class ElbowRoom:
    """What the batches of one process share; safe between threads, and of no use to a child of a fork.

    Args:
        clock: Seconds that only grow.
        processor: Seconds of processor time that this process has used.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        processor: Callable[[], float] = time.process_time,
    ) -> None:
        self._clock = clock
        self._processor = processor
        self._changed = threading.Condition()
        self._going = 0
        self._at_once = AT_LEAST
        self._looked = (clock(), processor())

    @contextlib.contextmanager
    def going(self) -> Iterator[None]:
        """Go on while the block runs; wait before it, half a second at most, where that is better for all."""
        with self._changed:
            until = self._clock() + PATIENCE_SECONDS
            while not self._may_go() and self._clock() < until:
                self._changed.wait(LOOK_SECONDS)
            self._going += 1
        try:
            yield
        finally:
            with self._changed:
                self._going -= 1
                self._changed.notify()

    def _may_go(self) -> bool:
        self._look()
        return self._going < self._at_once

    def _look(self) -> None:
        """See how busy the processor was since the last look, and change by one how many may go."""
        (then, used), now = self._looked, self._clock()
        if now - then < LOOK_SECONDS:
            return
        self._looked = now, self._processor()
        share = (self._looked[1] - used) / (now - then)
        if share < ROOM_BELOW and self._going >= self._at_once:
            self._at_once += 1
        elif share > CROWDED_ABOVE:
            self._at_once = max(self._at_once - 1, AT_LEAST)
