"""What gathering goes by: the options, the time, and what earlier passes left."""

from __future__ import annotations

from dataclasses import dataclass

from settings_store.snapshot import Snapshot
from tasks.attachments.memory import AttachmentMemory


@dataclass(frozen=True, slots=True)
class Scope:
    """One pass, or one look of the pass that is waiting for files.

    Attributes:
        options: As they hold now.
        memory: Of the look before, changed for the next.
        now_ms: Unix milliseconds, by the ledger's clock.
        passes: Passes made before; each has the whole time-out for itself.
        strict: Whether what failed in an earlier pass is asked for again.
    """

    options: Snapshot
    memory: AttachmentMemory
    now_ms: int
    passes: int
    strict: bool = False
