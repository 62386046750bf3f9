"""A file on a network share that is open: read in blocks, as long as it was when it was opened."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from tasks.attachments.source import BLOCK_BYTES, AttachmentFault, Fault
from tasks.attachments.unc.budget import Budget
from tasks.attachments.unc.lock_patience import patiently
from tasks.attachments.unc.session import Handle
from tasks.attachments.unc.session_pool import Lent


@dataclass(frozen=True, slots=True)
class Opened:
    """A file that is open over a session.

    Attributes:
        lent: The session.
        handle: The file there.
    """

    lent: Lent
    handle: Handle


class ShareFile:
    """An open file on a share; see `tasks.attachments.source.OpenFile`.

    Args:
        name: Its name.
        opened: Where it is open.
        seconds: How long its server may take for each reading of it.
        heard: Takes in a fault of the server while it was read.
        reopen: Opens it again.
        give_back: Closes what was opened.
        pause: Waits so many seconds.
    """

    def __init__(
        self,
        name: str,
        opened: Opened,
        seconds: float,
        *,
        heard: Callable[[Lent, AttachmentFault], None],
        reopen: Callable[[], Opened],
        give_back: Callable[[Opened], None],
        pause: Callable[[float], None],
    ) -> None:
        self._name = name
        self._opened: Opened | None = opened
        self._size_bytes = opened.handle.size_bytes
        self._seconds = seconds
        self._heard = heard
        self._reopen = reopen
        self._give_back = give_back
        self._pause = pause

    @property
    def name(self) -> str:
        """The name without any folder."""
        return self._name

    @property
    def size_bytes(self) -> int:
        """The size when it was opened."""
        return self._size_bytes

    def blocks(self) -> Iterator[bytes]:
        """The content as it was when it was opened, in blocks; what was added since is left out.

        Raises:
            AttachmentFault: It cannot be read on, or has become shorter than it was.
        """
        opened = self._standing()
        budget = Budget(self._seconds)
        offset = 0
        while offset < self._size_bytes:
            block = patiently(partial(self._block, opened, offset, budget), budget, self._pause)
            if not block:
                raise AttachmentFault(Fault.CHANGED, "it became shorter while it was read")
            offset += len(block)
            yield block

    def _block(self, opened: Opened, offset: int, budget: Budget) -> bytes:
        length = min(BLOCK_BYTES, self._size_bytes - offset)
        before = budget.left_seconds
        try:
            return opened.lent.session.read(opened.handle, offset, length, budget)
        except AttachmentFault as fault:
            # A server that gives block after block, but too slowly, is not silent.
            if budget.was_long(before):
                self._heard(opened.lent, fault)
            raise

    def close(self) -> None:
        """Give it back; a second time does nothing."""
        opened, self._opened = self._opened, None
        if opened is not None:
            self._give_back(opened)

    def _standing(self) -> Opened:
        """Where it is open: it may be read a second time long after the first, when the server has gone."""
        if self._opened is not None and self._opened.lent.session.is_alive:
            return self._opened
        self.close()
        self._opened = self._reopen()
        return self._opened
