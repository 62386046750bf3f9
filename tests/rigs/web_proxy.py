"""A web proxy that lets HTTPS through by CONNECT and nothing else, and keeps all that went through it."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

_TUNNEL = b"HTTP/1.1 200 Connection established\r\n\r\n"
_REFUSAL = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@dataclass(eq=False)
class WebProxy:
    """A running proxy.

    Attributes:
        refuses: Whether nobody is let through.
        asked: Whom it was asked to connect to, as host:port, in order.
        passed: Every byte that went through it, either way.
    """

    refuses: bool = False
    asked: list[str] = field(default_factory=list)
    passed: bytearray = field(default_factory=bytearray, repr=False)

    def __post_init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._ends: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    @property
    def address(self) -> str:
        """As the option oauth.proxy_address has it."""
        return f"http://127.0.0.1:{self._listening.getsockname()[1]}"

    def stop(self) -> None:
        for end in (self._listening, *self._ends):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            self._ends.append(client)
            self._begin(self._serve, client)

    def _begin(self, serve: object, *ends: socket.socket) -> None:
        assert callable(serve)
        thread = threading.Thread(target=serve, args=ends)
        self._threads.append(thread)
        thread.start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head:
                piece = client.recv(4096)
                if not piece:
                    return
                head += piece
            self.passed += head
            method, target, _ = head.decode("latin-1").split(" ", 2)
            self.asked.append(f"{'' if method == 'CONNECT' else method + ' '}{target}")
            if self.refuses or method != "CONNECT":
                client.sendall(_REFUSAL)
                client.close()
                return
            host, _, port = target.rpartition(":")
            server = socket.create_connection((host, int(port)))
            self._ends.append(server)
            client.sendall(_TUNNEL)
            self._begin(self._pass_on, server, client)
            self._pass_on(client, server)

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := source.recv(65_536):
                self.passed += piece
                target.sendall(piece)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def web_proxy() -> Iterator[WebProxy]:
    """A proxy that is stopped in the end."""
    proxy = WebProxy()
    try:
        yield proxy
    finally:
        proxy.stop()
