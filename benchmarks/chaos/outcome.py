"""What came of an experiment, and what would have broken the promise."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Row = tuple[str, ...]


@dataclass
class Outcome:
    """What came of one experiment.

    Attributes:
        name: Of the experiment.
        broken: What was broken, in words for a reader.
        notifications: How many were given to the notifier.
        seconds: How long it ran.
        figures: What was counted and measured, by name.
        table: What came of one kind after the other; the first row names the columns.
        faults: What breaks the promise; empty where it held.
    """

    name: str
    broken: str
    notifications: int = 0
    seconds: float = 0.0
    figures: dict[str, Any] = field(default_factory=dict)
    table: list[Row] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def expect(self, *, that: bool, else_fault: str) -> None:
        """Note a fault where something is not as it must be."""
        if not that:
            self.faults.append(else_fault)
