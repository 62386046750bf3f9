"""What one pass leaves for the next about attachments."""

from __future__ import annotations

import msgspec


class AttachmentMemory(msgspec.Struct, omit_defaults=True):
    """Kept in the ledger between two passes.

    Attributes:
        file_awaited_since_ms: Since when a file is waited for that cannot be had at the moment; 0 = none.
        files_told: Digest of what became of each file in the pass before: the same is not told again.
    """

    file_awaited_since_ms: int = 0
    files_told: str = ""
