"""The delivery's own SMTP client, which tells of each step as it is made."""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from collections.abc import Iterator
from typing import Protocol

from tasks.transports.client import Client
from tasks.transports.phase import Phase
from tasks.transports.reply import Reply
from tasks.transports.timeouts import Timeouts


class Watcher(Protocol):
    """Told of what the client does. It is called in the middle of a connection: it must be quick."""

    def began(self, phase: Phase) -> None:
        """A step begins."""

    def ended(self, phase: Phase, seconds: float, reply: Reply | None) -> None:
        """A step is over, well or not; with the reply that was read in it, if any."""


class WatchedClient(Client):
    """A client with a watcher.

    Attributes:
        peer_address: Address and port of the server, once there is a connection.
        mechanism: Of the sign-in that was tried; blank before.
    """

    def __init__(self, *, local_hostname: str, timeouts: Timeouts, watcher: Watcher) -> None:
        super().__init__(local_hostname=local_hostname, timeouts=timeouts)
        self._watcher = watcher
        self.peer_address = ""
        self.mechanism = ""

    @property
    def tls_socket(self) -> ssl.SSLSocket | None:
        """The socket, where it speaks TLS."""
        return self.sock if isinstance(self.sock, ssl.SSLSocket) else None

    def speak_over(self, peer: socket.socket) -> None:
        """Go on over this socket, and note whose it is."""
        super().speak_over(peer)
        with contextlib.suppress(OSError):
            host, port = peer.getpeername()[:2]
            self.peer_address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def command(self, phase: Phase, *lines: str) -> None:
        """Send commands, and note the mechanism of a sign-in; what follows it is secret."""
        if phase is Phase.AUTH and lines[0].startswith("AUTH "):
            self.mechanism = lines[0].split()[1]
        super().command(phase, *lines)

    @contextlib.contextmanager
    def step(self, phase: Phase) -> Iterator[None]:
        """Do something on the wire as this phase, and tell of it."""
        self._watcher.began(phase)
        began, before = time.monotonic(), self._last
        try:
            with super().step(phase):
                yield
        finally:
            reply = self._last if self._last is not before else None
            self._watcher.ended(phase, time.monotonic() - began, reply)
