"""A key ring that follows its files: a key that is added to one is there a moment later, with no restart."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from settings_store.errors import KeyringUnusable
from settings_store.keyring import Keyring, load
from settings_store.logs import EventLog

_Stamp = tuple[tuple[int, ...], ...]
_log = EventLog(__name__)


class LiveKeyring:
    """The keys in the files as they are now; while the files cannot be used, the last that could.

    Threads may share it. Kubernetes and our own commands replace a file as a whole, so none is read half.

    Args:
        paths: At least one file, the one that seals first.
        ring: What they held; None where they were not read, and whoever asks for a key before they can be
            used gets `KeyringUnusable`.
    """

    def __init__(self, paths: Sequence[Path], ring: Keyring | None = None) -> None:
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
        return f"LiveKeyring(primary={self._ring.primary if self._ring else None!r})"

    def _now(self) -> Keyring:
        with self._lock:
            stamp = self._look()
            if self._ring is None:
                self._ring = _loaded(self._paths)
                self._stamp = stamp
            elif stamp != self._stamp:
                self._stamp = stamp
                try:
                    self._ring = _loaded(self._paths)
                except KeyringUnusable as fault:
                    _log.error("keyring_not_read_anew", error=fault)
            return self._ring

    def _look(self) -> _Stamp:
        """What changes when a file does, links followed."""
        seen: list[tuple[int, ...]] = []
        for path in self._paths:
            try:
                found = path.stat()
            except OSError:
                seen.append(())
            else:
                # Rights as well: a file that was refused for them can be used once they are taken away.
                seen.append((found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size))
        return tuple(seen)


def followed(paths: Sequence[Path]) -> LiveKeyring | None:
    """A ring that follows these files; None where none is named.

    Raises:
        KeyringUnusable: They cannot be used now.
    """
    return LiveKeyring(paths, _loaded(paths)) if paths else None


def followed_when_needed(paths: Sequence[Path]) -> LiveKeyring | None:
    """The same, read when a key is first asked for: files that cannot be used fail that alone.

    For a process that has much to do without a secret. None where no file is named.
    """
    return LiveKeyring(paths) if paths else None


def _loaded(paths: Sequence[Path]) -> Keyring:
    ring = load(paths)
    if ring is None:
        raise KeyringUnusable("no key file is named")
    return ring
