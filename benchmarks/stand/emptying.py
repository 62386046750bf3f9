"""How fast a worker empties what waits for it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.rigs.worker import Worker

_LOOK_EVERY_SECONDS = 0.005
_PATIENCE_SECONDS = 300.0
_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Emptied:
    """What it took.

    Attributes:
        seconds: From the moment that the worker may begin until nothing is left.
        cpu_seconds: Of the worker's process.
    """

    seconds: float
    cpu_seconds: float


def emptied(worker: Worker, fill: Callable[[], object], left: Callable[[], int]) -> Emptied:
    """Fill while the worker is stopped, let it go on, and wait until nothing is left.

    The worker so begins with everything there: who fills takes no processor from it.
    """
    with worker.stopped():
        fill()
        began, cpu_before = time.perf_counter(), cpu_seconds(worker.process.pid)
    while left():
        if worker.process.poll() is not None or time.perf_counter() - began > _PATIENCE_SECONDS:
            pytest.fail(f"the worker leaves {left()}, or ended:\n{worker.log()[-4000:]}")
        time.sleep(_LOOK_EVERY_SECONDS)
    return Emptied(time.perf_counter() - began, cpu_seconds(worker.process.pid) - cpu_before)


def cpu_seconds(pid: int) -> float:
    """What a process has used of the processors so far, its threads included."""
    # After the name, which may hold spaces: proc_pid_stat(5), fields 14 and 15.
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_A_SECOND
