"""One program that runs as long as `make up` does: how it is started, when it is ready, how it ends."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from workers.embedded import leash
from workers.embedded.child_log import ChildLog

#: A child that lived shorter than this died at once.
AT_ONCE_SECONDS = 5.0
RESTART_FIRST_SECONDS = 0.2
RESTART_LONGEST_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Program:
    """A program to be supervised.

    Attributes:
        name: What people call it; its log is named after it.
        command: The program's absolute path and its arguments; no secret belongs here, `ps` shows it.
        environment: Its whole environment; secrets come this way.
        folder: Where it runs.
        ready: Tells from its log, or from what it listens on, whether it does its work.
        grace_seconds: How long it may take to end when asked, before it is killed.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)
    folder: Path
    ready: Callable[[ChildLog], bool]
    grace_seconds: float = 10.0


class Child:
    """A supervised program with its present process."""

    def __init__(self, program: Program, log: ChildLog) -> None:
        self.program = program
        self.log = log
        self.started_at = 0.0
        self.start_again_at = 0.0
        self.deaths_at_once = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The process id; None while none runs."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start the program on a leash, in a session of its own: Ctrl-C at the terminal reaches us alone."""
        command = [sys.executable, "-I", "-S", leash.__file__, str(os.getpid()), *self.program.command]
        with self.log.open() as log:
            self._process = subprocess.Popen(  # noqa: S603 - the command is ours, and no shell reads it
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.program.folder,
                env=dict(self.program.environment),
                start_new_session=True,
            )
        self.started_at = time.monotonic()

    def ready(self) -> bool:
        """Whether it runs and does its work."""
        return self._process is not None and self.program.ready(self.log)

    def died(self) -> str | None:
        """How the process ended, once, after it did; notes when to start it again."""
        code = self._process.poll() if self._process else None
        if self._process is None or code is None:
            return None
        self.kill()
        self._process = None
        now = time.monotonic()
        at_once = now - self.started_at < AT_ONCE_SECONDS
        self.deaths_at_once = self.deaths_at_once + 1 if at_once else 0
        wait = RESTART_FIRST_SECONDS * 2 ** max(self.deaths_at_once - 1, 0)
        self.start_again_at = now + min(wait, RESTART_LONGEST_SECONDS)
        return f"by {signal.Signals(-code).name}" if code < 0 else f"with code {code}"

    def ask_to_end(self) -> None:
        """SIGTERM, which every program here takes as a wish to finish and end."""
        if self._process:
            self._process.terminate()

    def ended(self) -> bool:
        """Whether no process runs."""
        return self._process is None or self._process.poll() is not None

    def kill(self) -> None:
        """End it, now, and what it started, even where it ended already and left that behind."""
        if self._process:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
