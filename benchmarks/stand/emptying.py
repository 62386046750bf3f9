"""How fast workers empty what waits for it."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.rigs.worker import Worker

#: Whoever looks takes from what is measured.
_LOOK_EVERY_SECONDS = 0.02
_PATIENCE_SECONDS = 300.0
_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Emptied:
    """What it took.

    Attributes:
        seconds: From the moment that the workers may begin until nothing is left.
        cpu_seconds: Of the workers' processes.
    """

    seconds: float
    cpu_seconds: float


def emptied(fill: Callable[[], object], left: Callable[[], int], *workers: Worker) -> Emptied:
    """Fill while the workers are stopped, let them go on, and wait until nothing is left.

    They so begin with everything there: who fills takes no processor from them.
    """
    with contextlib.ExitStack() as stopped:
        for worker in workers:
            stopped.enter_context(worker.stopped())
        fill()
        began, cpu_before = time.perf_counter(), _cpu_seconds(workers)
    while left() > 0:
        if time.perf_counter() - began > _PATIENCE_SECONDS or any(
            worker.process.poll() is not None for worker in workers
        ):
            pytest.fail(f"the workers leave {left()}, or ended:\n{workers[0].log()[-4000:]}")
        time.sleep(_LOOK_EVERY_SECONDS)
    return Emptied(time.perf_counter() - began, _cpu_seconds(workers) - cpu_before)


def _cpu_seconds(workers: Iterable[Worker]) -> float:
    return sum(cpu_seconds(worker.process.pid) for worker in workers)


def cpu_seconds(pid: int) -> float:
    """What a process has used of the processors so far, its threads included."""
    # After the name, which may hold spaces: proc_pid_stat(5), fields 14 and 15.
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_A_SECOND
