"""A key ring that follows its files: a key that is added to one is there a moment later, with no restart."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from settings_store.errors import KeyringUnusable
from settings_store.keyring import Keyring, load

_Stamp = tuple[tuple[int, int, int], ...]
_log = logging.getLogger(__name__)


class LiveKeyring:
    """The keys in the files as they are now; while the files cannot be used, the last that could.

    Threads may share it. Kubernetes and our own commands replace a file as a whole, so none is read half.
    """

    def __init__(self, paths: Sequence[Path], ring: Keyring) -> None:
        self._paths = tuple(paths)
        self._lock = threading.Lock()
        self._ring = ring
        self._stamp: _Stamp | None = None

    @property
    def primary(self) -> str:
        """Id of the key that seals."""
        return self._now().primary

    @property
    def keys(self) -> Mapping[str, bytes]:
        """Every key by its id; never shown."""
        return self._now().keys

    def __repr__(self) -> str:
        return f"LiveKeyring(primary={self._ring.primary!r})"

    def _now(self) -> Keyring:
        with self._lock:
            stamp = self._look()
            if stamp != self._stamp:
                self._stamp = stamp
                try:
                    self._ring = load(self._paths) or self._ring
                except KeyringUnusable as fault:
                    _log.error("keyring_not_read_anew error=%s", fault)
            return self._ring

    def _look(self) -> _Stamp:
        """What changes when a file does, links followed."""
        seen = []
        for path in self._paths:
            try:
                found = path.stat()
            except OSError:
                seen.append((0, 0, 0))
            else:
                seen.append((found.st_ino, found.st_mtime_ns, found.st_size))
        return tuple(seen)


def followed(paths: Sequence[Path]) -> LiveKeyring | None:
    """A ring that follows these files; None where none is named.

    Raises:
        KeyringUnusable: They cannot be used now.
    """
    ring = load(paths)
    return LiveKeyring(paths, ring) if ring is not None else None
