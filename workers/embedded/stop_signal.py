"""SIGINT, SIGTERM and SIGHUP as a wish to stop that the main loop reads when it is ready to."""

from __future__ import annotations

import contextlib
import select
import signal
import socket
import time
from types import FrameType
from typing import Self

_STOP = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
#: A signal to the whole process group comes twice, once by way of `make`: that is one wish.
SAME_WISH_SECONDS = 0.5


class StopSignal:
    """While entered, signals end no call; they are counted, and wake whoever waits.

    Attributes:
        asked: How often a stop was asked for.
    """

    def __init__(self) -> None:
        self.asked = 0
        self._asked_at = float("-inf")
        self._before = {number: signal.getsignal(number) for number in (*_STOP, signal.SIGCHLD)}

    def __enter__(self) -> Self:
        self._reader, self._writer = socket.socketpair()
        self._reader.settimeout(0)
        self._writer.settimeout(0)
        # A handler runs at any moment and may take no lock; the pipe wakes `wait` without one.
        signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        for number in _STOP:
            # nohup asks to outlive the terminal.
            if number != signal.SIGHUP or self._before[number] != signal.SIG_IGN:
                signal.signal(number, self._note)
        signal.signal(signal.SIGCHLD, self._wake)
        return self

    def __exit__(self, *_: object) -> None:
        signal.set_wakeup_fd(-1)
        for number, handler in self._before.items():
            # Who presses Ctrl-C once more while we end has had the wish granted.
            signal.signal(number, signal.SIG_IGN if self.asked else handler)
        self._reader.close()
        self._writer.close()

    def wait(self, seconds: float) -> None:
        """Wait; shorter when a signal comes or a child ends."""
        select.select([self._reader], [], [], max(seconds, 0.0))
        with contextlib.suppress(BlockingIOError):
            self._reader.recv(4096)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        if now - self._asked_at >= SAME_WISH_SECONDS:
            self.asked += 1
            self._asked_at = now

    def _wake(self, _number: int, _frame: FrameType | None) -> None:
        """A child ended: the wake-up is all."""
