"""All files of a notification as one pass has them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Self

from tasks.attachments.item import Item
from tasks.attachments.source import Fault

#: What is said of a fault where the file's own words may not go: in the reason of a notification, in Flower.
WORDS_OF_FAULT: Final = {
    Fault.MISSING: "it is missing",
    Fault.DENIED: "it may not be read",
    Fault.NOT_ALLOWED: "its place is not allowed",
    Fault.LOCKED: "it is locked",
    Fault.LATE: "it did not come in time",
    Fault.UNREACHABLE: "its server cannot be reached",
    Fault.TOO_LARGE: "it is too large",
    Fault.CHANGED: "it changed while it was read",
    Fault.BROKEN: "it cannot be read",
}


class GatheringStopped(Exception):
    """The process was asked to end while files were fetched: another is to fetch them."""


@dataclass(frozen=True, slots=True)
class Wait:
    """That the mail waits a moment for a file, and the worker's slot does not.

    Attributes:
        seconds: Until somebody looks again.
        words: For what, without a name or a path.
    """

    seconds: float
    words: str


@dataclass(slots=True)
class Gathered:
    """The files in the order they were asked for; closed at the end of the pass.

    Attributes:
        items: One for each file, and one for each that cannot be had.
        wait: Set where the mail is not to go yet; then nothing is open.
    """

    items: list[Item] = field(default_factory=list)
    wait: Wait | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give every file back."""
        for item in self.items:
            item.close()

    @property
    def trouble(self) -> str:
        """Why not every file can go along, in words without a name; empty where each can."""
        faults = [(place, item.fault) for place, item in enumerate(self.items, start=1) if item.fault]
        if not faults:
            return ""
        place, fault = faults[0]
        more = f", and {len(faults) - 1} more" if len(faults) > 1 else ""
        return f"attachment {place} of {len(self.items)}: {WORDS_OF_FAULT[fault.kind]}{more}"
