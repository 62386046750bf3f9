"""One file that was asked for: open, or with the reason why it is not."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from tasks.attachments.source import AttachmentFault, Fault, OpenFile

#: How long a source may take for all of a file while a server waits for the mail's text.
READ_MAX_SECONDS: Final = 120.0


@dataclass(slots=True, eq=False)
class Item:
    """A file on its way into a mail. It is itself an open file, and remembers where reading it failed.

    Attributes:
        asked: How the publisher named it, in full.
        name: Its name in the mail.
        source: The file; None where it cannot be had.
        charset: What it is declared as where it is text; empty where it is only bytes.
        fault: Why it cannot be had.
        remark: What the reader should know of it though it goes along, or though there is none.
        seconds: How long opening it took.
        is_inline: Whether the notification brought it, so that nothing was fetched.
    """

    asked: str = field(repr=False)
    name: str = field(repr=False)
    source: OpenFile | None = field(default=None, repr=False)
    charset: str = ""
    fault: AttachmentFault | None = None
    remark: str = field(default="", repr=False)
    seconds: float = 0.0
    is_inline: bool = False
    clock: Callable[[], float] = field(default=time.monotonic, repr=False)

    @property
    def size_bytes(self) -> int:
        """Its size; 0 where it cannot be had."""
        return self.source.size_bytes if self.source else 0

    @property
    def is_here(self) -> bool:
        """Whether there is a file that can be read."""
        return self.source is not None and self.fault is None

    def blocks(self) -> Iterator[bytes]:
        """Exactly `size_bytes` bytes, or a fault.

        Raises:
            AttachmentFault: It cannot be read; it has that fault from now on.
        """
        if self.source is None or self.fault is not None:
            raise self.fault or AttachmentFault(Fault.MISSING, "there is no such file")
        try:
            yield from _exactly(self.source, self.clock)
        except AttachmentFault as fault:
            self._lose(fault)
            raise
        except Exception as error:  # noqa: BLE001  # a source is somebody else's code
            # Whatever a source lets through, the mail goes on without it; the words may quote a path.
            broken = AttachmentFault(Fault.BROKEN, f"it cannot be read ({type(error).__name__})")
            self._lose(broken)
            raise broken from None

    def close(self) -> None:
        """Give the source back."""
        if self.source is not None:
            self.source.close()

    def _lose(self, fault: AttachmentFault) -> None:
        self.fault, fault.file = fault, self.name


def _exactly(source: OpenFile, clock: Callable[[], float]) -> Iterator[bytes]:
    left = source.size_bytes
    spent = 0.0
    blocks = source.blocks()
    while True:
        began = clock()
        block = next(blocks, None)
        spent += clock() - began
        if block is None:
            break
        if spent > READ_MAX_SECONDS:
            raise AttachmentFault(Fault.LATE, f"reading it took more than {READ_MAX_SECONDS:.0f} s")
        if len(block) > left:
            raise AttachmentFault(Fault.CHANGED, "it became longer while it was read")
        left -= len(block)
        yield block
    if left:
        raise AttachmentFault(Fault.CHANGED, "it became shorter while it was read")
