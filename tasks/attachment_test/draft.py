"""What is to be fetched, as it is kept between whoever asks and the worker."""

from __future__ import annotations

from typing import Final

import msgspec

from tasks.addresses import encodable, has_control
from tasks.live_test.author import checked_author
from tasks.live_test.errors import InvalidDraft
from tasks.notification_document import (
    JOB_NUMBER_MAX,
    Attachment,
    FileAttachment,
    JobOutputAttachment,
)

PATH_MAXIMUM_CHARACTERS: Final = 4096


class Draft(msgspec.Struct, frozen=True):
    """What is to be fetched: one of the two.

    Attributes:
        by: Who asks.
        path: A file; None for the output of a job.
        job_output: A job's number; None for a file.
        source: From where it is asked, as the audit keeps it.
    """

    by: str
    path: str | None = None
    job_output: int | None = None
    source: str = ""

    def __repr__(self) -> str:
        return f"Draft(by={self.by!r})"

    @property
    def asked(self) -> str:
        """What is to be fetched, in words."""
        return f"output of job {self.job_output}" if self.path is None else self.path

    @property
    def attachment(self) -> Attachment:
        """The same as a notification has it."""
        return JobOutputAttachment(self.job_output or 0) if self.path is None else FileAttachment(self.path)


def checked(draft: Draft) -> Draft:
    """The draft as it is kept.

    Raises:
        InvalidDraft: Path, job or author cannot be used.
    """
    if (draft.path is None) == (draft.job_output is None):
        raise InvalidDraft("path: one thing is tested; allowed: a path, or the number of a job")
    if draft.path is not None:
        if not draft.path.strip():
            raise InvalidDraft("path: is blank; allowed: \\\\server\\share\\file or an absolute path")
        if len(draft.path) > PATH_MAXIMUM_CHARACTERS:
            raise InvalidDraft(f"path: is too long; allowed: {PATH_MAXIMUM_CHARACTERS:,} characters")
        if not encodable(draft.path):
            raise InvalidDraft("path: is not valid Unicode; allowed: a path that is")
        if has_control(draft.path):
            raise InvalidDraft("path: has a control character; allowed: none")
    elif not 1 <= (draft.job_output or 0) <= JOB_NUMBER_MAX:
        raise InvalidDraft("job-output: is no job's number; allowed: 1 and above")
    return msgspec.structs.replace(draft, by=checked_author(draft.by))


def bound_to(test_id: str) -> str:
    """What a sealed draft belongs to."""
    return f"attachment_test:{test_id}"
