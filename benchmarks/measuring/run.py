"""What a benchmark is given, and the alternating of sides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measuring.figure import Figure


@dataclass(frozen=True)
class Side:
    """One of the things that are compared.

    Attributes:
        name: In a reader's words.
        measure: Runs it once and returns the figure.
        unit: Of the figure.
    """

    name: str
    measure: Callable[[], float]
    unit: str = "/s"


@dataclass(frozen=True)
class Run:
    """How a benchmark is to run.

    Attributes:
        folder: Its own, empty.
        rounds: How often each side is measured.
        tell: Takes a line of progress.
        short: The form that tests run: it proves that the benchmark works, and its figures mean nothing.
        server: The program that serves Redis; empty for the embedded one.
    """

    folder: Path
    rounds: int
    tell: Callable[[str], None]
    short: bool = False
    server: str = ""

    def size(self, short: int, full: int) -> int:
        """How much of something there is in this form."""
        return short if self.short else full

    def alternate(self, *sides: Side) -> dict[str, Figure]:
        """Measure the sides in turn, and in every second round the other way round; their figures by name.

        Each side is run once before, which is not counted: connections open, caches fill. The short form does
        without. Whatever else the
        machine does then meets every side alike, and ratios are of the same moment.
        """
        found: dict[str, list[float]] = {side.name: [] for side in sides}
        for number in range(1 if self.short else 0, self.rounds + 1):
            for side in sides if number % 2 else reversed(sides):
                value = side.measure()
                which = f"round {number} of {self.rounds}" if number else "warming up"
                self.tell(f"{which}: {side.name}  {value:,.4g} {side.unit}")
                if number:
                    found[side.name].append(value)
        return {side.name: Figure(side.name, side.unit, tuple(found[side.name])) for side in sides}

    def counted(self, values: Sequence[float]) -> tuple[float, ...]:
        """What a side measured besides its figure, without the time before the first round."""
        return tuple(values[-self.rounds :])
