"""A host that must get nothing, or that gives nothing: it counts who comes and what they say."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

from tests.rigs.samba import loopback_address


class Rogue:
    """Listens where a file server would, takes every connection and never answers.

    Attributes:
        address: Where, on the port of SMB.
        connections: How many came.
        received: All they said.
    """

    def __init__(self) -> None:
        self.address = loopback_address()
        self.connections = 0
        self.received = b""
        self._server = socket.create_server((self.address, 445))
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve)

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                peer, _ = self._server.accept()
                self.connections += 1
                self._open.append(peer)
                threading.Thread(target=self._listen, args=(peer,), daemon=True).start()

    def _listen(self, peer: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while said := peer.recv(65_536):
                self.received += said

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, with every connection."""
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join()
        for peer in self._open:
            with contextlib.suppress(OSError):
                peer.shutdown(socket.SHUT_RDWR)
            peer.close()


@contextlib.contextmanager
def running_rogue() -> Iterator[Rogue]:
    """One on an address of its own."""
    rogue = Rogue()
    rogue.start()
    try:
        yield rogue
    finally:
        rogue.stop()


@contextlib.contextmanager
def running_liar(answer: bytes, *, hangs_up: bool) -> Iterator[str]:
    """A host that answers whatever is said to it so; its address."""
    address = loopback_address()
    server = socket.create_server((address, 445))
    peers: list[socket.socket] = []

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                peer, _ = server.accept()
                peers.append(peer)
                with contextlib.suppress(OSError):
                    peer.recv(65_536)
                    peer.sendall(answer)
                    if hangs_up:
                        peer.shutdown(socket.SHUT_RDWR)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield address
    finally:
        with contextlib.suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join()
        for peer in peers:
            peer.close()


@contextlib.contextmanager
def black_hole() -> Iterator[str]:
    """An address that drops every further try to connect by SMB."""
    address = loopback_address()
    with black_hole_at(address, 445):
        yield address


@contextlib.contextmanager
def black_hole_at(address: str, port: int) -> Iterator[int]:
    """A port that drops every further try to connect: its line of waiting connections is full.

    Args:
        address: On loopback.
        port: Its number, which is yielded; 0 for one that is free.
    """
    with socket.socket() as server, contextlib.ExitStack() as waiting:
        server.bind((address, port))
        server.listen(0)
        bound: int = server.getsockname()[1]
        for _ in range(4):
            peer = waiting.enter_context(socket.socket())
            peer.settimeout(0)
            with contextlib.suppress(BlockingIOError):
                peer.connect((address, bound))
        yield bound
