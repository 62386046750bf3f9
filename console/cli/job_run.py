"""A job as a child: its streams pass through as they are, signals go on to it, and the last of it is kept."""

from __future__ import annotations

import contextlib
import os
import select
import selectors
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

#: So much of the output is kept for the notification; 10 MiB would be what one holds.
KEPT_BYTES = 1024 * 1024
#: As shells report a command that is not there, or may not be run.
NOT_FOUND = 127
NOT_RUNNABLE = 126
SIGNAL_BASE = 128

_STDOUT, _STDERR = 1, 2
_READ_BYTES = 65_536
#: How long output that comes just behind the end of the job is waited for before it is told.
_LAST_WORDS_SECONDS = 1.0
_PASSED_ON = (
    *(signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT),
    *(signal.SIGUSR1, signal.SIGUSR2),
)
_FROM_KEYBOARD = frozenset({signal.SIGINT, signal.SIGQUIT})


@dataclass(frozen=True, slots=True)
class JobEnd:
    """How a job ended.

    Attributes:
        code: What a shell would report: the exit status, or 128 and the signal's number.
        how: The same in words: `exit 3`, `signal SIGKILL`, `not started: …`.
        seconds: How long it ran.
        output: The last of stdout and stderr, in the order in which they came.
        output_bytes: How much there was in all.
    """

    code: int
    how: str
    seconds: float
    output: bytes
    output_bytes: int

    @property
    def failed(self) -> bool:
        """Whether it ended other than well."""
        return self.code != 0


class JobRun:
    """One run of a command. `run` returns when the command has ended; `pass_rest` when its output has too."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = command
        self._kept = bytearray()
        self._total = 0
        self._open = selectors.DefaultSelector()
        self._child: subprocess.Popen[bytes] | None = None
        self._early: list[int] = []
        #: Why output could no longer be passed on, where that happened.
        self.fault = ""

    def run(self) -> JobEnd:
        """Run the command to its end. A command that cannot be started is an end too."""
        began = time.monotonic()
        try:
            child = subprocess.Popen(  # noqa: S603  # the job is what we are asked to run
                self._command, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
        except (OSError, ValueError) as error:
            code = NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_RUNNABLE
            why = (getattr(error, "strerror", None) or "no command").lower()
            return self._ended(code, f"not started: {why}", began)
        self._child = child
        for number in self._early:
            child.send_signal(number)
        self._pump_until_end(child)
        status = child.wait()
        if status < 0:
            return self._ended(SIGNAL_BASE - status, f"signal {_signal_name(-status)}", began)
        return self._ended(status, f"exit {status}", began)

    def pass_rest(self) -> None:
        """Pass on what programs that the job left behind still write, until the last of them closes it."""
        while self._open.get_map():
            self._pump(None)
        self._open.close()

    def _ended(self, code: int, how: str, began: float) -> JobEnd:
        return JobEnd(code, how, time.monotonic() - began, bytes(self._kept[-KEPT_BYTES:]), self._total)

    def _pump_until_end(self, child: subprocess.Popen[bytes]) -> None:
        for pipe, target in ((child.stdout, _STDOUT), (child.stderr, _STDERR)):
            self._open.register(pipe, selectors.EVENT_READ, target)  # type: ignore[arg-type]  # both are pipes
        end = os.pidfd_open(child.pid)
        self._open.register(end, selectors.EVENT_READ, None)
        try:
            while not self._pump(None):
                pass
        finally:
            self._open.unregister(end)
            os.close(end)
        until = time.monotonic() + _LAST_WORDS_SECONDS
        while self._open.get_map() and (left := until - time.monotonic()) > 0:
            self._pump(left)

    def _pump(self, seconds: float | None) -> bool:
        """Pass on what there is; whether the child has ended."""
        ended = False
        for key, _ in self._open.select(seconds):
            if key.data is None:
                ended = True
                continue
            content = os.read(key.fd, _READ_BYTES)
            if content:
                self._keep(content)
            if not content or not self._pass_on(key.data, content):
                self._close(key.fileobj)
        return ended

    def _close(self, pipe: Any) -> None:
        self._open.unregister(pipe)
        pipe.close()

    def _keep(self, content: bytes) -> None:
        self._total += len(content)
        self._kept += content
        if len(self._kept) > 2 * KEPT_BYTES:
            del self._kept[:-KEPT_BYTES]

    def _pass_on(self, target: int, content: bytes) -> bool:
        """False where the reader is gone; the job then meets the closed pipe that it would meet alone."""
        rest = memoryview(content)
        while rest:
            try:
                rest = rest[os.write(target, rest) :]
            except BlockingIOError:
                select.select((), (target,), ())
            except BrokenPipeError:
                return False
            except OSError as error:
                # A full disk is no reason to stop the job; what it says is kept for the notification.
                self.fault = (error.strerror or type(error).__name__).lower()
                return True
        return True

    @contextlib.contextmanager
    def signals_passed_on(self) -> Iterator[None]:
        """Within it signals go to the command; after its end they are held off, so that it can be told."""
        before: dict[signal.Signals, Any] = {}
        for number in _PASSED_ON:
            # What whoever started us has ignored (`nohup`) stays ignored, for the job too.
            if signal.getsignal(number) is not signal.SIG_IGN:
                before[number] = signal.signal(number, self._on_signal)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on_signal(self, number: int, _: object) -> None:
        if number in _FROM_KEYBOARD and _at_keyboard():
            return  # the terminal has sent it to the job already
        if self._child is None:
            self._early.append(number)
        else:
            self._child.send_signal(number)


def _at_keyboard() -> bool:
    """Whether the terminal sends its signals to our group, which is the job's too."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)
