"""What a scheduler is asked, in two steps that each take their time: which outputs, and then each output.

    AttachmentFault
    └── SchedulerFault    the scheduler itself cannot be used: what is said of one job holds for all

`ActionGone` stands apart: it asks for another try and never reaches a reader.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from tasks.attachments.source import AttachmentFault


class SchedulerFault(AttachmentFault):
    """No job's output can be had now: the scheduler is away, or does not let us in."""


class ActionGone(Exception):
    """The scheduler does not know the action (any more)."""


@dataclass(frozen=True, slots=True)
class StillWorking:
    """The answer is not there yet."""


@dataclass(frozen=True, slots=True)
class Listed:
    """The outputs of a job, as paths on its agent's machine."""

    paths: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Output:
    """One output, whole or as much as the agent gives."""

    text: str = field(repr=False)


class JobOutputProvider(Protocol):
    """A scheduler. Every call is one short question.

    Each raises `SchedulerFault` where the scheduler cannot be used, `AttachmentFault` where it refuses just
    this, and `settings_store.errors.SecretFault` where this process cannot open the password.
    """

    def ask_for_list(self, job_number: int) -> str:
        """Ask which outputs a job has; the id of the action."""
        ...

    def ask_for_output(self, job_number: int, path: str) -> str:
        """Ask for one of them; the id of the action."""
        ...

    def look_at_list(self, action: str) -> StillWorking | Listed:
        """What became of the first question; raises `ActionGone` where nobody knows."""
        ...

    def look_at_output(self, action: str) -> StillWorking | Output:
        """What became of the second; raises `ActionGone` where nobody knows."""
        ...

    def close(self) -> None:
        """End the connection."""
        ...
