"""A file server that greets, and then says nothing more: a relay before a real one that stops passing on."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator

from tests.rigs.samba import Samba, loopback_address


class Staller:
    """Passes connections on to a server, or keeps whatever comes after the greeting.

    Attributes:
        address: Where, on the port of SMB.
        stalls: Whether it keeps what comes.
    """

    def __init__(self, samba: Samba) -> None:
        self.address = loopback_address()
        self.stalls = False
        self._samba = samba
        self._lock = threading.Lock()
        self._held: list[socket.socket] = []
        self._server = socket.create_server((self.address, 445), backlog=128)
        self._sockets: list[socket.socket] = [self._server]

    @property
    def stalled(self) -> int:
        """How many connections wait at this moment."""
        with self._lock:
            return len(self._held)

    def serve(self) -> None:
        """Take one connection after another until it is closed."""
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._server.accept()
                server = socket.create_connection((self._samba.address, self._samba.port))
                self._sockets += [client, server]
                for pass_on in (self._forth, self._back):
                    threading.Thread(target=pass_on, args=(client, server), daemon=True).start()

    def let_go(self) -> None:
        """Stall no longer, and end the connections that wait."""
        self.stalls = False
        with self._lock:
            held, self._held = self._held, []
        for each in held:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End, with every connection."""
        for each in self._sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _forth(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError), client.makefile("rb") as stream:
            # The greeting: one message of the client, which the server answers.
            length = stream.read(4)
            server.sendall(length + stream.read(struct.unpack(">L", length)[0]))
            while not self.stalls:
                part = stream.read1(65_536)
                if not part:
                    break
                if not self.stalls:
                    server.sendall(part)
            else:
                with self._lock:
                    self._held.append(client)
                with contextlib.suppress(OSError):
                    while stream.read1(65_536):
                        pass
                with self._lock, contextlib.suppress(ValueError):
                    self._held.remove(client)
            server.shutdown(socket.SHUT_RDWR)

    def _back(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while part := server.recv(1 << 20):
                client.sendall(part)
            client.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def running_staller(samba: Samba) -> Iterator[Staller]:
    """One on an address of its own."""
    staller = Staller(samba)
    thread = threading.Thread(target=staller.serve)
    thread.start()
    try:
        yield staller
    finally:
        staller.close()
        thread.join()
