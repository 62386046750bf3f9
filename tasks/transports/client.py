"""The SMTP client: the standard library's, made to say in which step it failed and what that means.

Everything raised here is a `TransportFailure`. Whenever one is raised for silence or a broken connection the
socket is closed first: a late reply can never be taken for the reply to the next command.
"""

from __future__ import annotations

import contextlib
import smtplib
import socket
import ssl
import time
from contextlib import AbstractContextManager
from types import TracebackType
from typing import TYPE_CHECKING, Final

from tasks import tracing
from tasks.strands import wait_until_writable
from tasks.transports.breakage import breakage
from tasks.transports.failure import GarbledReply, TransportFailure
from tasks.transports.line import LastWord, Line
from tasks.transports.outcome import Kind, Outcome
from tasks.transports.parting import part
from tasks.transports.phase import Phase
from tasks.transports.reply import Reply, read_reply
from tasks.transports.reply_reader import ReplyReader
from tasks.transports.timeouts import Timeouts

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


#: Of the steps in a trace.
_NAMES: Final = {phase: f"smtp {phase.value}" for phase in Phase}


class Client(smtplib.SMTP):
    """One connection to one server; used by one thread.

    Attributes:
        phase: The step it is in, or in which it failed.
        timeouts: Seconds per step; may be replaced between messages.
        reused: Whether a message went over this connection before: what fails now may just be stale.
        is_over: Whether the server has closed its side as well, or there never was a connection; else it may
            count it still.
    """

    def __init__(self, *, local_hostname: str, timeouts: Timeouts) -> None:
        # With a name given, the base class asks no DNS for ours.
        super().__init__(local_hostname=local_hostname)
        self.timeouts = timeouts
        self.phase = Phase.RESOLVE
        self.reused = False
        self.is_over = True
        self._reader: ReplyReader | None = None
        self._last: Reply | None = None
        self._line = Line()
        self._last_word = LastWord()
        self._before: LastWord | None = None
        self._was_last = True
        self._step = _Step(self)

    @property
    def is_open(self) -> bool:
        """Whether there is a socket, and nobody left it in mid-sentence."""
        return self.sock is not None and not self._line.broken

    def speak_over(self, peer: socket.socket) -> None:
        """Go on over this socket; what was read ahead from the layer below is dropped."""
        self.sock = peer
        self.is_over = False
        self._reader = ReplyReader(peer, self._line.io)

    def follower(self) -> Client | None:
        """A client for the next message, which may speak as soon as the end of this one's text is written.

        What it reads comes after what is due to this one. None where the connection is no longer whole.
        """
        if not self._line.join():
            return None
        if self._reader is not None:
            self._reader.is_shared = True
        client = Client(local_hostname=self.local_hostname, timeouts=self.timeouts)
        client.sock, client._reader, client._line = self.sock, self._reader, self._line
        client.esmtp_features, client.does_esmtp = self.esmtp_features, self.does_esmtp
        client.reused, client.is_over, client._before = True, False, self._last_word
        return client

    @property
    def follows(self) -> bool:
        """Whether it has not yet read what comes after the reply to another client's text."""
        return self._before is not None

    def stands_alone(self) -> None:
        """Nobody else is on the connection any more: whatever comes is for this one."""
        self._before = None

    def awaits_last_word(self) -> None:
        """A reply to a text will be due: who follows reads after that one, and not after an earlier one."""
        self._last_word = LastWord()

    def has_read_all(self) -> None:
        """What was due is read: a follower may read now."""
        self._last_word.settle(was_read=True)

    def pass_on(self) -> bool:
        """Leave the connection to the follower, if there is one; whether there is."""
        if self.sock is None or not self._line.pass_on():
            return False
        self.sock, self._reader = None, None
        return True

    def send(self, s: ReadableBuffer | str, seconds: float | None = None) -> None:
        """Hand bytes to the socket within the seconds given, else those of a reply; raises `OSError`."""
        if self.sock is None or self._line.broken:
            raise ConnectionResetError
        deadline = time.monotonic() + (self.timeouts.reply_seconds if seconds is None else seconds)
        left = memoryview(s.encode() if isinstance(s, str) else s)
        while left:
            left = left[self._handed_over(self.sock, left) :]
            if left and not wait_until_writable(self.sock, deadline - time.monotonic()):
                raise TimeoutError

    def _handed_over(self, peer: socket.socket, what: memoryview) -> int:
        """How many bytes the socket takes now."""
        with self._line.io:
            if peer.gettimeout() != 0:
                peer.settimeout(0)
            try:
                return peer.send(what)
            except (BlockingIOError, ssl.SSLWantWriteError):
                return 0

    def getreply(self, seconds: float | None = None) -> tuple[int, bytes]:
        """Read one reply within the seconds given, else those of a reply; raises `OSError`."""
        code, lines = self._read(seconds)
        return code, b"\n".join(line.strip() for line in lines)

    def _read(self, seconds: float | None) -> tuple[int, list[bytes]]:
        if self._reader is None:
            raise ConnectionResetError
        if self._before is not None:
            self._before.wait(self.timeouts.reply_seconds)
            self._before = None
        code, lines = self._reader.read(self.timeouts.reply_seconds if seconds is None else seconds)
        self._last = read_reply(code, lines)
        return code, lines

    def close(self) -> None:
        """Close the socket without a word; where another client is on it, that one does."""
        self.abandon()

    def abandon(self, *, is_heard: bool = True) -> bool:
        """`close`; whether nobody is on the connection any more.

        Args:
            is_heard: Whether the server is there to close its side, which is waited for a moment.
        """
        peer, self.sock, self._reader = self.sock, None, None
        self._last_word.settle(was_read=False)
        if peer is None:
            return self._was_last
        self._was_last = self._line.leave(broken=True)
        if self._was_last:
            self.is_over = part(peer, self.timeouts.quit_seconds if is_heard else 0)
            with contextlib.suppress(OSError):
                peer.close()
        return self._was_last

    def forget(self) -> None:
        """Drop this process' hold on a socket that is another's, who goes on with it."""
        if self.sock is not None:
            self.sock.close()

    def command(self, phase: Phase, *lines: str) -> None:
        """Send commands in one write.

        Raises:
            TransportFailure: The connection broke.
        """
        with self.step(phase):
            self.send("".join(f"{line}\r\n" for line in lines))

    def answer(self, phase: Phase, seconds: float | None = None) -> Reply:
        """Wait for one reply.

        Raises:
            TransportFailure: None came, or what came is no reply.
        """
        with self.step(phase):
            self._read(seconds)
        return self.last_reply

    def hello(self) -> None:
        """EHLO; what the server offers is then known.

        Raises:
            TransportFailure: The server refused it, or the connection broke.
        """
        with self.step(Phase.EHLO):
            self.ehlo()
        self.check(holds=self.last_reply.accepts)

    def peer_spoke(self) -> bool:
        """Whether the server said something unasked, or hung up; costs no round trip."""
        try:
            return self._reader is None or self._reader.peer_spoke()
        except OSError:
            return True

    def say_goodbye(self) -> None:
        """Send QUIT, wait a moment for the answer and close; whatever happens is all right."""
        with contextlib.suppress(TransportFailure):
            self.command(Phase.QUIT, "QUIT")
            self.answer(Phase.QUIT, self.timeouts.quit_seconds)
        self.close()

    @property
    def last_reply(self) -> Reply:
        """The reply that was read last."""
        if self._last is None:
            raise self.failure(Kind.LOST)
        return self._last

    def check(self, *, holds: bool) -> None:
        """Raise a failure by the last reply unless this holds."""
        if not holds:
            raise self.failure()

    def failure(
        self, kind: Kind = Kind.REPLY, *, detail: str = "", retry_after_seconds: int | None = None
    ) -> TransportFailure:
        """What just went wrong in this phase, for raising."""
        return TransportFailure(
            Outcome(
                phase=self.phase,
                kind=kind,
                reply=self._last if kind is Kind.REPLY else None,
                reused=self.reused,
                detail=detail,
                retry_after_seconds=retry_after_seconds,
            )
        )

    def step(self, phase: Phase) -> AbstractContextManager[None]:
        """Do something on the wire as this phase: a broken connection is closed, and told as what it is."""
        self.phase = phase
        return _TracedStep(self, phase) if tracing.is_on() else self._step


class _Step(AbstractContextManager[None]):
    """A step on the wire. Made by hand, and once for each client: a dozen of them are in each message."""

    __slots__ = ("_client",)

    def __init__(self, client: Client) -> None:
        self._client = client

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            return
        client = self._client
        if isinstance(error, GarbledReply):
            failure = client.failure(Kind.GARBLED)
        elif isinstance(error, OSError | UnicodeError):
            what, detail = breakage(error, client.phase)
            failure = client.failure(what, detail=detail)
        else:
            return
        client.abandon(is_heard=failure.outcome.kind is not Kind.TIMEOUT)
        # No cause: the words of these errors may quote names, and the failure says what matters.
        raise failure from None


class _TracedStep(_Step):
    """A step that shows in a trace."""

    __slots__ = ("_traced",)

    def __init__(self, client: Client, phase: Phase) -> None:
        super().__init__(client)
        self._traced = tracing.step(_NAMES[phase])

    def __enter__(self) -> None:
        self._traced.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._traced.__exit__(kind, error, trace)
        super().__exit__(kind, error, trace)
