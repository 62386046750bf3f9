"""All benchmarks that compare, by name, in the order in which they run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from benchmarks import overhead
from benchmarks.measuring.figure import Result
from benchmarks.measuring.run import Run

BENCHMARKS: Final[Mapping[str, Callable[[Run], Result]]] = {
    "overhead": overhead.overhead,
}
