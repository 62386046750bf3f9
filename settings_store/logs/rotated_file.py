"""A file that grows to a size and is then put aside, whoever else writes to it.

Processes that write to the same file each add whole lines to its end, which the kernel keeps apart. Whoever
finds it too large takes a lock that it does not wait for and puts it aside; the others see that the file
under the name is another, and go on in that one. Nobody ever waits for another process, so none that hangs or
is stopped keeps others from anything. A file that somebody else moves or deletes is begun anew.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import stat
from pathlib import Path
from typing import Final

#: Only its owner reads it.
_MODE: Final = 0o600


class RotatedFile:
    """One process' hold of it; for one thread at a time.

    Args:
        path: Its name; those put aside are called `<path>.1`, the newest, and so on.
        maximum_bytes: Where it is put aside. What others write at that moment may be in it besides.
        kept: How many of those put aside are kept, 1 at least.

    Attributes:
        maximum_bytes: As above; may be changed at any time.
        kept: Likewise.
    """

    def __init__(self, path: Path, *, maximum_bytes: int, kept: int) -> None:
        self.path = path.resolve()
        self.maximum_bytes = maximum_bytes
        self.kept = kept
        self._descriptor: int | None = None
        self._opened_as: os.stat_result | None = None
        self._torn = False

    def append(self, lines: bytes) -> None:
        """Add whole lines.

        Raises:
            OSError: They could not be written, or not all of them.
        """
        descriptor = self._opened()
        now = os.fstat(descriptor)
        if stat.S_ISREG(now.st_mode) and now.st_size and now.st_size + len(lines) > self.maximum_bytes:
            self._put_aside(descriptor)
            descriptor = self._opened()
        left = b"\n" + lines if self._torn else lines
        while left:
            # Until all is written the last line may lack its end.
            self._torn, left = True, left[os.write(descriptor, left) :]
        self._torn = False

    def forget(self) -> None:
        """Begin as if it were not open: in a child, whose parent may have been in the middle of anything."""
        self._descriptor = None

    def close(self) -> None:
        """Close it; what is added later opens it again."""
        if self._descriptor is not None:
            # Whoever makes a service of a process may have closed all that was open; the number may then be
            # that of somebody else's connection.
            with contextlib.suppress(OSError):
                if self._opened_as and os.path.samestat(self._opened_as, os.fstat(self._descriptor)):
                    os.close(self._descriptor)
            self._descriptor = None

    def _opened(self) -> int:
        if self._descriptor is not None and not self._is_there(self._descriptor):
            self.close()
        if self._descriptor is None:
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOCTTY
            self._descriptor = os.open(self.path, flags, _MODE)
            self._opened_as = os.fstat(self._descriptor)
        return self._descriptor

    def _is_there(self, descriptor: int) -> bool:
        """Whether what is open is still what has the name."""
        try:
            return os.path.samestat(os.stat(self.path), os.fstat(descriptor))  # noqa: PTH116  # one call, no object
        except OSError:
            return False

    def _put_aside(self, descriptor: int) -> None:
        lock = os.open(f"{self.path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _MODE)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Somebody else may have done it a moment ago.
            if self._is_there(descriptor):
                self._shift()
        except BlockingIOError:
            # Somebody does it now; or hangs, and then the file grows.
            pass
        finally:
            os.close(lock)

    def _shift(self) -> None:
        for number in self._numbers():
            if number >= self.kept:
                self._aside(number).unlink()
        for number in range(self.kept - 1, 0, -1):
            with contextlib.suppress(FileNotFoundError):
                self._aside(number).rename(self._aside(number + 1))
        self.path.rename(self._aside(1))

    def _numbers(self) -> list[int]:
        """The numbers of those put aside."""
        name = re.compile(re.escape(self.path.name) + r"\.([1-9][0-9]{0,3})")
        found = (name.fullmatch(each) for each in os.listdir(self.path.parent))  # noqa: PTH208  # names are enough
        return [int(each.group(1)) for each in found if each]

    def _aside(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number}")
