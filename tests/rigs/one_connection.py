"""Many who send at once, where a server may have one connection."""

from __future__ import annotations

import threading

from tasks.server import Server
from tasks.transports.pool import ConnectionPool
from tests.rigs.delivering import RECIPIENT, SENDER
from tests.rigs.processes import wait_until


class Full(Exception):
    """Stands for a limit of one connection."""


class OneConnection:
    """Sends texts, each as soon as it has its turn; safe between threads.

    Attributes:
        used: The name of the connection, once there is one.
    """

    def __init__(self, pool: ConnectionPool, server: Server) -> None:
        self._pool = pool
        self._server = server
        self._lock = threading.Lock()
        self.used = ""

    def _admit(self, holder: str) -> None:
        with self._lock:
            self.used = self.used or holder
            if self.used != holder:
                raise Full

    def send(self, text: bytes) -> None:
        wait_until(lambda: self._went(text), seconds=60, what="its turn")

    def _went(self, text: bytes) -> bool:
        wait = bool(self.used)
        try:
            with self._pool.connection(self._server, admit=self._admit, follow=True, wait=wait) as connection:
                connection.envelope(SENDER, [RECIPIENT], len(text))
                connection.message([text])
        except Full:
            return False
        return True
