"""A figure with all its rounds, a goal that it is held against, and the result of one benchmark."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Figure:
    """What was measured, once a round.

    Attributes:
        name: What it is of, in a reader's words.
        unit: "/s", "ms", "x" for a ratio, and the like.
        rounds: The value of each round, in the order in which they ran.
    """

    name: str
    unit: str
    rounds: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.rounds)

    @property
    def lowest(self) -> float:
        return min(self.rounds)

    @property
    def highest(self) -> float:
        return max(self.rounds)

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "unit": self.unit,
            "median": self.median,
            "lowest": self.lowest,
            "highest": self.highest,
            "rounds": list(self.rounds),
        }


def ratio(name: str, of: Figure, to: Figure) -> Figure:
    """One figure divided by another, round by round: both sides had the same moment of the machine."""
    return Figure(name, "x", tuple(a / b for a, b in zip(of.rounds, to.rounds, strict=True)))


@dataclass(frozen=True)
class Goal:
    """What a figure ought to be; exactly one of the two bounds is given."""

    figure: Figure
    at_least: float | None = None
    at_most: float | None = None

    def __post_init__(self) -> None:
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError(f"{self.figure.name}: a goal is either a lower or an upper bound")

    @property
    def is_met(self) -> bool:
        """Whether the median is within the bound."""
        if self.at_least is not None:
            return self.figure.median >= self.at_least
        assert self.at_most is not None
        return self.figure.median <= self.at_most

    def as_json(self) -> dict[str, Any]:
        bound = {"at_least": self.at_least} if self.at_most is None else {"at_most": self.at_most}
        return {**self.figure.as_json(), **bound, "met": self.is_met}


@dataclass(frozen=True)
class Result:
    """What came of one benchmark.

    Attributes:
        what: What was done, in one sentence.
        figures: What was measured.
        goals: What it is held against.
        settings: What else one must know to repeat it, by name.
        notes: What a reader must know to judge the figures.
        not_run: Why nothing, or not all, was measured; empty where all was.
    """

    what: str
    figures: Sequence[Figure] = ()
    goals: Sequence[Goal] = ()
    settings: dict[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()
    not_run: str = ""

    def as_json(self) -> dict[str, Any]:
        return {
            "what": self.what,
            "figures": [figure.as_json() for figure in self.figures],
            "goals": [goal.as_json() for goal in self.goals],
            "settings": self.settings,
            "notes": list(self.notes),
            "not_run": self.not_run,
        }
