"""What one pass leaves for the next about attachments."""

from __future__ import annotations

import msgspec
from msgspec import field

from tasks.attachments.job_output.requests_made import JobRequest


class AttachmentMemory(msgspec.Struct, omit_defaults=True):
    """Kept in the ledger between two passes.

    Attributes:
        file_awaited_since_ms: Since when a file is waited for that cannot be had at the moment; 0 = none.
        files_told: Digest of what became of each file in the pass before: the same is not told again.
        jobs: What was asked of the scheduler, by the attachment's place in the notification.
        jobs_since_ms: When the first question of this pass was asked; 0 = none was yet.
        jobs_pass: The pass that this was.
        jobs_trouble: Why the scheduler did not answer the last time; blank where it did.
    """

    file_awaited_since_ms: int = 0
    files_told: str = ""
    jobs: dict[int, JobRequest] = field(default_factory=dict)
    jobs_since_ms: int = 0
    jobs_pass: int = -1
    jobs_trouble: str = ""
