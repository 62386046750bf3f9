"""What was asked of the scheduler for a notification, kept in the ledger from one look to the next."""

from __future__ import annotations

import msgspec

from tasks.attachments.source import AttachmentFault, Fault


class KeptFault(msgspec.Struct, array_like=True, frozen=True):
    """Why an output cannot be had, as it is kept."""

    kind: Fault
    words: str

    def __repr__(self) -> str:
        return f"KeptFault({self.kind.value})"

    def raised(self) -> AttachmentFault:
        """The fault itself."""
        return AttachmentFault(self.kind, self.words)


class OutputRequest(msgspec.Struct, omit_defaults=True):
    """One output of a job.

    Attributes:
        path: As the agent named it.
        action: Id of the action that fetches it; blank = to be asked.
        is_there: Whether the scheduler had it ready.
        fault: Why it cannot be had.
    """

    path: str
    action: str = ""
    is_there: bool = False
    fault: KeptFault | None = None

    def __repr__(self) -> str:
        return f"OutputRequest(action={self.action!r}, is_there={self.is_there})"

    @property
    def is_settled(self) -> bool:
        """Whether nothing more is to be waited for."""
        return self.is_there or self.fault is not None


class JobRequest(msgspec.Struct, omit_defaults=True):
    """One job.

    Attributes:
        action: Id of the action that lists its outputs; blank = to be asked.
        outputs: What it listed; None = not yet.
        fault: Why nothing of it can be had.
    """

    action: str = ""
    outputs: list[OutputRequest] | None = None
    fault: KeptFault | None = None

    @property
    def is_settled(self) -> bool:
        """Whether nothing more is to be waited for."""
        if self.fault is not None:
            return True
        return self.outputs is not None and all(output.is_settled for output in self.outputs)
