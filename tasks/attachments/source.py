"""What every source of attachments gives: a file that is open and of known size, or one fault in words.

AttachmentFault
    kind   what happened, see `Fault`
    words  why, for the mail's reader and the operator: no secret, and no more of a path than was asked for
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from typing import Final, Protocol

from settings_store.snapshot import Snapshot

#: How much is read from a source at once.
BLOCK_BYTES: Final = 1024 * 1024


class Fault(enum.Enum):
    """Why a file does not go along.

    MISSING: there is no such file, folder, share or job output. DENIED: the account may not read it, or
    cannot sign in. NOT_ALLOWED: the options do not allow the place; nothing was asked of it. LOCKED:
    somebody else has it open. LATE: it did not come in time. UNREACHABLE: its server is not there.
    TOO_LARGE: it is above a limit. CHANGED: it became shorter while it was read. BROKEN: anything else that
    its server answered.
    """

    MISSING = "missing"
    DENIED = "denied"
    NOT_ALLOWED = "not_allowed"
    LOCKED = "locked"
    LATE = "late"
    UNREACHABLE = "unreachable"
    TOO_LARGE = "too_large"
    CHANGED = "changed"
    BROKEN = "broken"


class AttachmentFault(Exception):
    """A file cannot be had.

    Attributes:
        kind: What happened.
        words: Why, in words of an administrator of the source.
        is_passing: Whether another try soon may succeed: a lock, a server that restarts.
        file: The file's name in the mail, where it was lost while it was read; else blank.
    """

    def __init__(self, kind: Fault, words: str, *, is_passing: bool = False) -> None:
        super().__init__(words)
        self.kind = kind
        self.words = words
        self.is_passing = is_passing
        self.file = ""


class OpenFile(Protocol):
    """A file that is open; it is read by one thread at a time.

    Attributes:
        name: Its name without any folder.
        size_bytes: Its size when it was opened: exactly so much is read, also where it grows meanwhile.
    """

    @property
    def name(self) -> str:
        """The name without any folder."""
        ...

    @property
    def size_bytes(self) -> int:
        """The size when it was opened."""
        ...

    def blocks(self) -> Iterator[bytes]:
        """The content from its beginning, in blocks of at most `BLOCK_BYTES`; may be asked for again.

        Raises:
            AttachmentFault: It cannot be read on, or has become shorter than it was.
        """
        ...

    def close(self) -> None:
        """Give it back; a second time does nothing."""
        ...


class OpensPath(Protocol):
    """Opens the file that a path names, in one kind of place."""

    def open(self, path: str, options: Snapshot, *, seconds: float) -> OpenFile:
        """The file, open.

        Args:
            path: As the publisher wrote it.
            options: As they hold now; the place is held against them before anything is asked of it.
            seconds: How long this may take at most.

        Raises:
            AttachmentFault: It cannot be had.
        """
        ...
