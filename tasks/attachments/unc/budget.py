"""How long a server may take for something: its own time alone counts, not that of whoever reads."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Final

#: A server that took so long over one thing, and had not done it then, is taken for silent.
SILENT_AFTER_SECONDS: Final = 5.0


class Budget:
    """Seconds that are used up while a server is waited for.

    Args:
        seconds: All there is.
        clock: Seconds that only grow.
        usual_seconds: What there is where nothing else took time before; the same unless given.
    """

    def __init__(
        self,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
        *,
        usual_seconds: float | None = None,
    ) -> None:
        self._left = seconds
        self._silent_after = min(SILENT_AFTER_SECONDS, (usual_seconds or seconds) / 2)
        self._clock = clock
        self._since: float | None = None

    @property
    def left_seconds(self) -> float:
        """What is left at this moment, never below zero."""
        running = 0.0 if self._since is None else self._clock() - self._since
        return max(self._left - running, 0.0)

    def was_long(self, left_before: float) -> bool:
        """Whether who was waited for since so much was left is silent, and had not just too little time."""
        return left_before - self.left_seconds >= self._silent_after

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
