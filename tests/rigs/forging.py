"""Somebody between a client and a file server, who changes the content of a file on its way."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator
from typing import Final

from tests.rigs.samba import Samba, loopback_address

_READ: Final = 8
#: [MS-SMB2] 2.2.1.2: where a header has its command, its flags and its signature.
_COMMAND_AT, _FLAGS_AT, _SIGNATURE_AT, _HEADER_BYTES = 12, 16, 48, 64
_SIGNED: Final = 0x8
#: Of an answer to READ, before the content.
_READ_ANSWER_BYTES: Final = 16


class Forger:
    """Passes everything on, but for what it forges.

    Attributes:
        address: Where, on the port of SMB.
        hides_signature: Whether a forged answer says that it is not signed.
        forged: How many answers it changed.
    """

    def __init__(self, samba: Samba, *, hides_signature: bool) -> None:
        self.address = loopback_address()
        self.hides_signature = hides_signature
        self.forged = 0
        self._samba = samba
        self._server = socket.create_server((self.address, 445))
        self._sockets: list[socket.socket] = [self._server]

    def serve(self) -> None:
        """Take one connection after another until it is closed."""
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._server.accept()
                server = socket.create_connection((self._samba.address, self._samba.port))
                self._sockets += [client, server]
                for source, sink, forges in ((client, server, False), (server, client, True)):
                    threading.Thread(target=self._pass_on, args=(source, sink, forges), daemon=True).start()

    def close(self) -> None:
        """End, with every connection."""
        for each in self._sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _pass_on(self, source: socket.socket, sink: socket.socket, forges: bool) -> None:  # noqa: FBT001
        with contextlib.suppress(OSError), source.makefile("rb") as stream:
            while length := stream.read(4):
                message = bytearray(stream.read(struct.unpack(">L", length)[0]))
                sink.sendall(length + (self._forged(message) if forges else message))
            sink.shutdown(socket.SHUT_RDWR)

    def _forged(self, message: bytearray) -> bytes:
        command = struct.unpack_from("<H", message, _COMMAND_AT)[0]
        content_at = _HEADER_BYTES + _READ_ANSWER_BYTES
        if message[:4] == b"\xfeSMB" and command == _READ and len(message) > content_at:
            self.forged += 1
            message[content_at] ^= 0xFF
            if self.hides_signature:
                flags = struct.unpack_from("<L", message, _FLAGS_AT)[0]
                struct.pack_into("<L", message, _FLAGS_AT, flags & ~_SIGNED)
                message[_SIGNATURE_AT:_HEADER_BYTES] = bytes(_HEADER_BYTES - _SIGNATURE_AT)
        return bytes(message)


@contextlib.contextmanager
def running_forger(samba: Samba, *, hides_signature: bool) -> Iterator[Forger]:
    """One on an address of its own."""
    forger = Forger(samba, hides_signature=hides_signature)
    thread = threading.Thread(target=forger.serve)
    thread.start()
    try:
        yield forger
    finally:
        forger.close()
        thread.join()
