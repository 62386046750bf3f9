"""How long it takes to begin: a worker until its first delivery, and a command of the command line."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from benchmarks.measuring.figure import Goal, Result
from benchmarks.measuring.run import Run, Side
from benchmarks.stand.stand import TEXT, stand
from tests.rigs.processes import wait_until
from tests.rigs.smtp_sink import smtp_sink

WORKER = "worker, until its first delivery"
EMPTY = "worker of an empty task, until it has run"
COMMAND = "notify options get, the whole process"
PYTHON = "python -c pass, the whole process"
KEY = "primary_email.server_name"


def start(run: Run) -> Result:
    """Milliseconds from starting a process to what it is started for."""
    notify = str(Path(sys.executable).with_name("notify"))
    times = run.size(1, 5)
    with smtp_sink() as port, stand(run) as site:
        site.configure(primary=port)

        def first_delivery() -> float:
            before = site.delivered()
            site.publish(message=TEXT)
            began = time.perf_counter()
            with site.quiet_worker():
                wait_until(lambda: site.delivered() > before, seconds=60, what="the first delivery")
                return (time.perf_counter() - began) * 1000

        def first_task() -> float:
            site.send_empty(1)
            began = time.perf_counter()
            with site.empty_worker():
                wait_until(lambda: site.empty_left() == 0, seconds=60, what="the first task having begun")
                return (time.perf_counter() - began) * 1000

        def whole(*command: str) -> float:
            began = time.perf_counter()
            for _ in range(times):
                subprocess.run(command, env=site.environ, check=True, capture_output=True, timeout=60)
            return (time.perf_counter() - began) * 1000 / times

        found = run.alternate(
            Side(WORKER, first_delivery, "ms"),
            Side(EMPTY, first_task, "ms"),
            Side(COMMAND, lambda: whole(notify, "options", "get", KEY), "ms"),
            Side(PYTHON, lambda: whole(sys.executable, "-c", "pass"), "ms"),
        )
    return Result(
        "from starting a process to what it is started for",
        [found[WORKER], found[EMPTY], found[PYTHON]],
        [Goal(found[COMMAND], at_most=250)],
        notes=["The worker of the empty task loads the notifier's modules too, because it has its settings."],
    )
