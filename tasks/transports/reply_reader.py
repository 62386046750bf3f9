"""Replies off a socket: within a deadline, and never more than a bounded number of bytes."""

from __future__ import annotations

import socket
import ssl
import threading
import time

from tasks.strands import wait_until_readable
from tasks.transports.dialling import acknowledge_at_once
from tasks.transports.failure import GarbledReply

MAXIMUM_LINE_BYTES = 8_192
#: EHLO of a rich server has about twenty lines.
MAXIMUM_REPLY_BYTES = 65_536
_RECEIVE_BYTES = 16_384
_CODE_DIGITS = 3
_MARKS = frozenset({b"", b" ", b"-"})


class ReplyReader:
    """Reads the replies of one socket; each layer has its own, so nothing sent before TLS is read after.

    Args:
        peer: The socket.
        io: Held while something is read, and not while it is waited for: another thread may write meanwhile.

    Attributes:
        is_shared: Whether replies to several messages may be under way.
    """

    def __init__(self, peer: socket.socket, io: threading.Lock | None = None) -> None:
        self._peer = peer
        self._io = io or threading.Lock()
        self._buffer = bytearray()
        self._ended = False
        self.is_shared = False

    def read(self, seconds: float) -> tuple[int, list[bytes]]:
        """The next reply: its code, and its lines without it.

        Args:
            seconds: For the whole reply, however slowly its bytes arrive.

        Raises:
            TimeoutError: The reply was not complete in time.
            ConnectionError: The peer closed the connection.
            GarbledReply: What came is no reply, or too long for one.
        """
        deadline = time.monotonic() + seconds
        code, lines, size = 0, list[bytes](), 0
        while True:
            end = self._buffer.find(b"\n")
            line = self._taken(end if end >= 0 else self._awaited_end(deadline))
            size += len(line)
            digits, mark = line[:_CODE_DIGITS], line[_CODE_DIGITS : _CODE_DIGITS + 1]
            if len(digits) != _CODE_DIGITS or not digits.isdigit() or mark not in _MARKS:
                raise GarbledReply("no reply code")
            if lines and int(digits) != code:
                raise GarbledReply("two codes in one reply")
            if size > MAXIMUM_REPLY_BYTES:
                raise GarbledReply("endless reply")
            code = int(digits)
            lines.append(line[_CODE_DIGITS + 1 :])
            if mark != b"-":
                return code, lines

    def peer_spoke(self) -> bool:
        """Whether a reply, or the end of the connection, is already here; never waits.

        Raises:
            OSError: The connection is broken.
        """
        if self._buffer or self._ended:
            return True
        return self._receive()

    def _taken(self, end: int) -> bytes:
        """The first line, which ends there, off the buffer; without its end."""
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        if end > MAXIMUM_LINE_BYTES:
            raise GarbledReply("endless line")
        return line.rstrip(b"\r")

    def _awaited_end(self, deadline: float) -> int:
        """Where the first line ends, once it has come."""
        end = -1
        while end < 0:
            searched = len(self._buffer)
            if searched > MAXIMUM_LINE_BYTES:
                raise GarbledReply("endless line")
            # What is here already counts: it may be this process that was busy in the meantime.
            if not self._is_readable(deadline - time.monotonic()):
                raise TimeoutError
            self._receive()
            if self._ended:
                raise ConnectionResetError
            end = self._buffer.find(b"\n", searched)
        return end

    def _is_readable(self, seconds: float) -> bool:
        with self._io:
            if isinstance(self._peer, ssl.SSLSocket) and self._peer.pending():
                return True
        return wait_until_readable(self._peer, seconds)

    def _receive(self) -> bool:
        """Take what is there; False where what made it readable was no part of a reply.

        That may be a TLS record that is not for us (a session ticket), or one that is not whole yet.
        """
        with self._io:
            if self._peer.gettimeout() != 0:
                self._peer.settimeout(0)
            try:
                received = self._peer.recv(_RECEIVE_BYTES)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return False
        self._ended = not received
        self._buffer += received
        if self.is_shared:
            # A server with more to say, to who follows, may wait for that.
            acknowledge_at_once(self._peer)
        return True
