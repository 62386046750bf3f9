"""The keys that seal secrets: a file of their own, never in Redis.

A key ring file is JSON: `{"primary": "<id>", "keys": {"<id>": "<32 bytes in base64>"}}`. The primary
seals; every key opens. Several files make one ring: the first one's primary seals. A key that is to become
the primary, and that workers are still to hear of, is named by `"next"` (see `key_file`).
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
import secrets
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from settings_store.errors import KeyringUnusable

KEY_BYTES = 32
KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,40}")
_RIGHTS_OF_OTHERS = 0o077
_RIGHTS_BUT_READING_BY_GROUP = 0o037
_FILE_MAXIMUM_BYTES = 1024 * 1024
_FORMAT = '{"primary": "<id>", "keys": {"<id>": "<32 bytes in base64>"}}'


class Keys(Protocol):
    """What seals and opens: a ring as it was read once, or one that follows its files."""

    @property
    def primary(self) -> str:
        """Id of the key that seals."""

    @property
    def keys(self) -> Mapping[str, bytes]:
        """Every key by its id; never shown."""


@dataclass(frozen=True, slots=True)
class Keyring:
    """The keys of this process.

    Attributes:
        primary: Id of the key that seals.
        keys: Every key by its id; never shown.
        next: Id of the key that is to seal once every worker has it; mostly blank.
    """

    primary: str
    keys: Mapping[str, bytes] = field(repr=False)
    next: str = field(default="", repr=False)


def load(paths: Sequence[Path]) -> Keyring | None:
    """Read key ring files into one ring, the first one's primary first; None where none is named.

    Raises:
        KeyringUnusable: A file is missing, malformed, or can be read by group or world (by group it may
            where it is root's and handed to us so); or two files hold different keys under one id.
    """
    keys: dict[str, bytes] = {}
    primary = ""
    for path in paths:
        ring = _read(path)
        primary = primary or ring.primary
        for key_id, key in ring.keys.items():
            if not secrets.compare_digest(keys.setdefault(key_id, key), key):
                raise KeyringUnusable(f"{path}: holds another key under the id {key_id} than an earlier file")
    return Keyring(primary, keys) if paths else None


def read(path: Path) -> Keyring:
    """One key ring file.

    Raises:
        KeyringUnusable: As `load`.
    """
    return _read(path)


def new_key() -> tuple[str, bytes]:
    """A new key with its id."""
    return f"k{secrets.token_hex(4)}", secrets.token_bytes(KEY_BYTES)


def as_text(ring: Keyring) -> str:
    """A ring as its file holds it."""
    document: dict[str, object] = {"primary": ring.primary, "keys": _encoded(ring.keys)}
    if ring.next:
        document["next"] = ring.next
    return json.dumps(document, indent=2) + "\n"


def generate(path: Path) -> Keyring:
    """Write a new key ring file with one new key, readable by its owner alone.

    A lost key file takes every secret with it: back it up apart from Redis.

    Raises:
        KeyringUnusable: The file exists (it is never overwritten), or cannot be written.
    """
    key_id, key = new_key()
    ring = Keyring(key_id, {key_id: key})
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise KeyringUnusable(f"{path}: exists; a key file is never overwritten, name another") from None
    except ValueError:
        raise KeyringUnusable("the name of the key file is none that a file can have") from None
    except OSError as error:
        raise KeyringUnusable(f"{path}: cannot be written: {error.strerror}") from None
    try:
        with open(descriptor, "w", encoding="ascii") as file:  # noqa: PTH123 - Path cannot open a descriptor
            file.write(as_text(ring))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        path.unlink(missing_ok=True)
        raise KeyringUnusable(f"{path}: cannot be written: {error.strerror}") from None
    return ring


def _encoded(keys: Mapping[str, bytes]) -> dict[str, str]:
    return {key_id: base64.b64encode(key).decode("ascii") for key_id, key in keys.items()}


def _read(path: Path) -> Keyring:
    try:
        # Not blocking: a pipe in the file's place must not stop the process.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            # The open file is judged, not the path: nobody can swap it between the look and the reading.
            fault = _fault(os.fstat(descriptor))
            content = b"" if fault else os.read(descriptor, _FILE_MAXIMUM_BYTES)
        finally:
            os.close(descriptor)
    except ValueError:
        raise KeyringUnusable("the name of the key file is none that a file can have") from None
    except OSError as error:
        raise KeyringUnusable(f"{path}: cannot be read: {error.strerror}") from None
    if fault:
        raise KeyringUnusable(f"{path}: {fault}")
    ring = _parse(content)
    if ring is None:
        raise KeyringUnusable(f"{path}: is not a key ring; it must be {_FORMAT}, the primary among the keys")
    return ring


def _fault(found: os.stat_result) -> str:
    """Why a file that was found so cannot be a key ring; blank where it can."""
    if not stat.S_ISREG(found.st_mode):
        return "is not a file"
    wrong = _RIGHTS_BUT_READING_BY_GROUP if _is_handed_to_us(found) else _RIGHTS_OF_OTHERS
    if found.st_mode & wrong:
        rights = f"{stat.S_IMODE(found.st_mode):04o}"
        return f"others than its owner have rights on it (mode {rights}); take them away with chmod 600"
    return ""


def _is_handed_to_us(found: os.stat_result) -> bool:
    """Whether root keeps the file, and lets us read it by a group of ours: so Kubernetes mounts a secret."""
    groups = {os.getegid(), *os.getgroups()}
    return found.st_uid == 0 and os.geteuid() != 0 and found.st_gid in groups


def _parse(content: bytes) -> Keyring | None:
    """The ring, or None: an exception of a parser would carry the keys it could not read."""
    try:
        document = json.loads(content)
        primary, encoded, following = document["primary"], document["keys"], document.get("next", "")
        keys = {key_id: base64.b64decode(text, validate=True) for key_id, text in encoded.items()}
    except (ValueError, binascii.Error, TypeError, KeyError, AttributeError, RecursionError):
        return None
    well_formed = all(KEY_ID.fullmatch(key_id) and len(key) == KEY_BYTES for key_id, key in keys.items())
    named = (
        isinstance(primary, str)
        and isinstance(following, str)
        and primary in keys
        and (following == "" or following in keys)
    )
    return Keyring(primary, keys, following) if well_formed and named else None
