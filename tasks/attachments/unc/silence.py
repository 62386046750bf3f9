"""Hosts that did not answer a moment ago: the other files of a mail do not each wait for them again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from tasks.attachments.source import AttachmentFault, Fault

#: So long after a host was silent it is taken for silent still.
SILENT_SECONDS: Final = 30.0


class Silence:
    """What this process knows of silent hosts; safe between threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._silent: dict[str, tuple[float, AttachmentFault]] = {}

    def heard(self, host: str, fault: AttachmentFault) -> None:
        """Take in a fault. Only silence is remembered: whatever else fails does so at once."""
        if fault.kind is Fault.LATE:
            now = self._clock()
            with self._lock:
                self._silent = {
                    other: entry for other, entry in self._silent.items() if entry[0] > now - SILENT_SECONDS
                }
                self._silent.setdefault(host, (now, fault))

    def check(self, host: str) -> None:
        """Pass by a host that was silent just now.

        Raises:
            AttachmentFault: It was; nothing is asked of it.
        """
        with self._lock:
            since, fault = self._silent.get(host, (0.0, None))
        seconds = self._clock() - since
        if fault is not None and seconds < SILENT_SECONDS:
            words = f"{fault.words} (tried {seconds:.0f} s ago)"
            raise AttachmentFault(fault.kind, words, is_passing=True)
