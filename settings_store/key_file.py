"""Changes of a key file, each of which replaces it whole: a kill leaves the old file or the new one.

A new key becomes the primary in two steps, so that no worker meets a value that it cannot open: it is added
first, and seals only once every worker has read it.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Final

from settings_store.errors import KeyringUnusable
from settings_store.keyring import Keyring, as_text, new_key, read

_OWNER_ONLY_MODE: Final = 0o600


def add_next(path: Path) -> str:
    """Add a key that is to become the primary, unless there is one already; its id.

    Raises:
        KeyringUnusable: The file cannot be read or written.
    """
    ring = read(path)
    if ring.next:
        return ring.next
    key_id, key = new_key()
    _write(path, replace(ring, keys={**ring.keys, key_id: key}, next=key_id))
    return key_id


def promote(path: Path, key_id: str) -> None:
    """Let the added key seal from now on; harmless where it does.

    Raises:
        KeyringUnusable: The file cannot be read or written, or does not hold the key.
    """
    ring = read(path)
    if key_id not in ring.keys:
        raise KeyringUnusable(f"{path}: does not hold the key {key_id}")
    _write(path, replace(ring, primary=key_id, next=""))


def remove(path: Path, key_id: str) -> None:
    """Take a key away for good.

    Raises:
        KeyringUnusable: The file cannot be read or written, does not hold the key, or seals with it.
    """
    ring = read(path)
    if key_id not in ring.keys:
        raise KeyringUnusable(f"{path}: does not hold the key {key_id}")
    if key_id == ring.primary:
        raise KeyringUnusable(f"{path}: seals with the key {key_id}; `notify keys rotate --new-key` first")
    kept = {name: key for name, key in ring.keys.items() if name != key_id}
    _write(path, replace(ring, keys=kept, next="" if ring.next == key_id else ring.next))


def _write(path: Path, ring: Keyring) -> None:
    path = path.resolve()
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        before = path.stat()
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY_MODE)
        try:
            with open(descriptor, "w", encoding="ascii") as file:  # noqa: PTH123 - Path cannot open a descriptor
                if os.geteuid() == 0:
                    os.fchown(file.fileno(), before.st_uid, before.st_gid)
                file.write(as_text(ring))
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise KeyringUnusable(f"{path}: cannot be written: {error.strerror}") from None
