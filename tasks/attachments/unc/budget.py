"""How long a server may take for something: its own time alone counts, not that of whoever reads."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator


class Budget:
    """Seconds that are used up while a server is waited for.

    Args:
        seconds: All there is.
        clock: Seconds that only grow.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._left = seconds
        self._clock = clock
        self._since: float | None = None

    @property
    def left_seconds(self) -> float:
        """What is left at this moment, never below zero."""
        running = 0.0 if self._since is None else self._clock() - self._since
        return max(self._left - running, 0.0)

    @contextlib.contextmanager
    def spending(self) -> Iterator[None]:
        """Count the time inside; inside itself it counts once."""
        if self._since is not None:
            yield
            return
        self._since = self._clock()
        try:
            yield
        finally:
            self._left, self._since = self.left_seconds, None
