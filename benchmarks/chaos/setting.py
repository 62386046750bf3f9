"""What an experiment is given."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Setting:
    """Where and how an experiment runs.

    Attributes:
        folder: Its own, empty.
        seed: Decides where it breaks what.
        short: Whether this is the form that the tests run.
    """

    folder: Path
    seed: int = 1
    short: bool = True

    def dice(self) -> random.Random:
        """Chance that is the same in each run with this seed."""
        return random.Random(self.seed)

    def size(self, short: int, full: int) -> int:
        """How much of something there is in this form."""
        return short if self.short else full
