"""Writes lines to a file by a thread of its own: who logs waits for no disk."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable
from typing import Final

from settings_store.logs.event_log import Event
from settings_store.logs.rotated_file import RotatedFile

#: So many lines wait for a disk that hangs; what comes then is counted and lost.
WAITING_MAXIMUM_LINES: Final = 10_000
_AT_ONCE_BYTES: Final = 64 * 1024


class FileWriter:
    """The lines that are on their way to a file.

    Args:
        file: Where they go.
        tell: Hears once when the file cannot be written, and once when it can again. It is called by the
            thread that writes, and may not wait.
        waiting_maximum: How many lines may be on their way.
    """

    def __init__(
        self,
        file: RotatedFile,
        *,
        tell: Callable[[Event], None],
        waiting_maximum: int = WAITING_MAXIMUM_LINES,
    ) -> None:
        self.file = file
        self._tell = tell
        self._waiting_maximum = waiting_maximum
        self._lost = 0
        self._fails = False
        self._thread: threading.Thread | None = None
        self._begin()
        # Threads do not live on in a child, and what waits is the parent's to write.
        os.register_at_fork(after_in_child=self._begin_in_child)

    def put(self, line: str) -> None:
        """Have a line written, soon; it never waits and never fails."""
        with self._changed:
            if len(self._waiting) >= self._waiting_maximum:
                self._lost += 1
                return
            self._waiting.append(f"{line}\n".encode())
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="log-file", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def flush(self, seconds: float) -> bool:
        """Wait until all is written, no longer than that; whether it is."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting and not self._writes, seconds)

    def _begin(self) -> None:
        self._changed = threading.Condition()
        self._waiting: deque[bytes] = deque()
        self._thread = None
        self._writes = False

    def _begin_in_child(self) -> None:
        self.file.forget()
        self._begin()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._writes = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: bool(self._waiting))
                lines = self._taken()
                self._writes = True
            self._write(lines)

    def _taken(self) -> list[bytes]:
        lines, size = [], 0
        while self._waiting and size < _AT_ONCE_BYTES:
            lines.append(self._waiting.popleft())
            size += len(lines[-1])
        return lines

    def _write(self, lines: list[bytes]) -> None:
        try:
            self.file.append(b"".join(lines))
        except OSError as error:
            self._count_lost(len(lines))
            if not self._fails:
                self._fails = True
                reason = (error.strerror or type(error).__name__).lower()
                self._tell(Event("log_file_not_written", {"file": str(self.file.path), "reason": reason}))
            return
        if self._fails or self._lost:
            self._fails = False
            with self._changed:
                lost, self._lost = self._lost, 0
            self._tell(Event("log_file_written_again", {"file": str(self.file.path), "lost": lost}))

    def _count_lost(self, count: int) -> None:
        with self._changed:
            self._lost += count
