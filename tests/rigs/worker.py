"""A real Celery worker in a session of its own, as an operator starts it, stopped or killed in full."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.rigs.embedded import PROJECT
from tests.rigs.processes import wait_until

READY_DEADLINE_SECONDS = 60.0
STOP_DEADLINE_SECONDS = 30.0
COMMAND = (sys.executable, "-m", "celery", "-A")


class Worker:
    """One worker, and the children of its pool."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process = process
        self._log = log

    def log(self) -> str:
        """Everything it wrote."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def wait_logged(self, text: str, *, seconds: float = READY_DEADLINE_SECONDS) -> None:
        """Wait until it wrote this; fails at once when it ended without."""
        wait_until(
            lambda: text in self.log() or self.process.poll() is not None, seconds=seconds, what=f"{text!r}"
        )
        if text not in self.log():
            pytest.fail(f"the worker ended without {text!r}:\n{self.log()}")

    def kill(self) -> None:
        """Kill it and its children with no chance to tidy up."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    @contextlib.contextmanager
    def stopped(self) -> Iterator[None]:
        """Have it and its children stand still meanwhile."""
        os.killpg(self.process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(self.process.pid, signal.SIGCONT)

    def stop(self) -> float:
        """Ask it to stop as a supervisor does; the seconds that took."""
        began = time.monotonic()
        self.process.terminate()
        self.wait_end()
        return time.monotonic() - began

    def wait_end(self) -> int:
        """Its exit code."""
        return self.process.wait(timeout=STOP_DEADLINE_SECONDS)


@contextlib.contextmanager
def running_worker(
    environ: Mapping[str, str],
    log: Path,
    *options: str,
    prelude: str = "",
    folder: Path = PROJECT,
    application: str = "workers",
    wait: bool = True,
) -> Iterator[Worker]:
    """Start a worker, wait until it is ready, and end it whatever happened.

    Args:
        environ: Its environment.
        log: Where it writes; what is there stays.
        options: For `celery worker`.
        prelude: Python that runs in its process before Celery does.
        folder: Where it is started.
        application: What `-A` names.
        wait: Whether to wait.
    """
    # Mingling asks other workers for one second, which no test needs.
    command = [*COMMAND, application, "worker", "--loglevel=INFO", "--without-mingle", *options]
    if prelude:
        program = f"{prelude}\nimport sys\nfrom celery.__main__ import main\nsys.exit(main())"
        command = [sys.executable, "-c", program, *command[3:]]
    before = log.stat().st_size if log.exists() else 0
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    worker = Worker(process, log)
    try:
        if wait:
            wait_until(
                lambda: " ready." in worker.log()[before:] or process.poll() is not None,
                seconds=READY_DEADLINE_SECONDS,
                what="the worker being ready",
            )
            if process.poll() is not None:
                pytest.fail(f"the worker did not start:\n{worker.log()}")
        yield worker
    finally:
        if process.poll() is None:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                worker.wait_end()
        worker.kill()
