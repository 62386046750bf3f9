"""Clients that follow one another on one connection, each while the last word to the one before is due.

RFC 2920 3.1 lets the commands for the next message stand right behind a text, which keeps a connection to a
server far away busy. Replies come in order, so each client reads only after the one before it.
"""

from __future__ import annotations

import threading

from tasks.strands import aside


class Line:
    """Who uses a connection; safe between threads.

    Attributes:
        io: Held while bytes are handed to the socket, or taken from it; never while they are waited for.
        broken: Somebody left in mid-sentence: nothing more may be said, and nothing of what was is delivered.
    """

    def __init__(self) -> None:
        self.io = threading.Lock()
        self.broken = False
        self._lock = threading.Lock()
        self._users = 1

    def join(self) -> bool:
        """Become another user of it, where it is used and whole; whether that is so."""
        with self._lock:
            if self.broken or not self._users:
                return False
            self._users += 1
            return True

    def leave(self, *, broken: bool) -> bool:
        """Use it no more; whether that was the last user, who has the socket to close."""
        with self._lock:
            self.broken = self.broken or broken
            self._users -= 1
            return not self._users

    def pass_on(self) -> bool:
        """Leave it to another user, if there is one; whether there is."""
        with self._lock:
            if self._users == 1:
                return False
            self._users -= 1
            return True


class LastWord:
    """Whether a client has read all that was due to it. Most have nobody who waits for that."""

    def __init__(self) -> None:
        self._was_read: bool | None = None
        self._waiting: list[threading.Event] = []

    def settle(self, *, was_read: bool) -> None:
        """Say so; the first time counts."""
        if self._was_read is None:
            self._was_read = was_read
        # Whoever waits was noted before they looked.
        for event in tuple(self._waiting):
            event.set()

    def wait(self, seconds: float) -> None:
        """Wait until it has.

        Raises:
            ConnectionResetError: It never will, or not in time: what comes next is nobody's reply.
        """
        if self._was_read is None:
            event = threading.Event()
            self._waiting.append(event)
            if self._was_read is None:
                aside(lambda: event.wait(seconds))
        if not self._was_read:
            raise ConnectionResetError
