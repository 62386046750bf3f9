"""What the children of a prefork pool count, without the gauges of those that are dead."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import Final

from prometheus_client.core import Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

_OF_A_LIVING: Final = re.compile(r"gauge_live[a-z]+_([0-9]+)\.db")


class LivingChildren(Collector):
    """The library's collector; what a killed child had open is not open any more.

    Args:
        folder: Where the children keep their counts.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._counts = MultiProcessCollector(None, folder)  # type: ignore[no-untyped-call]

    def describe(self) -> Iterable[Metric]:
        """Nothing: what there is depends on the children."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """Counts of all that ever were, gauges of those that live."""
        for name in os.listdir(self._folder):  # noqa: PTH208  # names are enough
            found = _OF_A_LIVING.fullmatch(name)
            if found and not _lives(int(found.group(1))):
                mark_process_dead(int(found.group(1)), self._folder)  # type: ignore[no-untyped-call]
        collected: Iterable[Metric] = self._counts.collect()  # type: ignore[no-untyped-call]
        return collected


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
