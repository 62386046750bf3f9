"""The log of a child, bounded: the file that grows and the one before it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import BinaryIO

LOG_MAXIMUM_BYTES = 5 * 1024 * 1024
_TAIL_BYTES = 16 * 1024


class ChildLog:
    """A file that a child writes to and that the supervisor trims."""

    def __init__(self, path: Path, *, maximum_bytes: int = LOG_MAXIMUM_BYTES) -> None:
        self.path = path
        self._maximum_bytes = maximum_bytes
        self._start = 0

    def open(self) -> BinaryIO:
        """The file for a child that starts now; `said` and `tail` look at what comes from here on."""
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._start = os.fstat(descriptor).st_size
        return os.fdopen(descriptor, "ab", buffering=0)

    def said(self, text: bytes) -> bool:
        """Whether the child wrote this since it started."""
        return text in self._read()

    def tail(self, lines: int) -> list[str]:
        """The last lines since the child started."""
        return self._read()[-_TAIL_BYTES:].decode("utf-8", "replace").splitlines()[-lines:]

    def trim(self) -> None:
        """Move the text aside when there is too much of it; what was aside before is gone.

        The file is emptied and not replaced: the child goes on writing to it, at its end, which is now its
        start. A line written in between may be lost.
        """
        if self.path.stat().st_size > self._maximum_bytes:
            shutil.copyfile(self.path, self.path.with_name(f"{self.path.name}.1"))
            os.truncate(self.path, 0)
            self._start = 0

    def _read(self) -> bytes:
        with self.path.open("rb") as file:
            file.seek(self._start)
            return file.read()
