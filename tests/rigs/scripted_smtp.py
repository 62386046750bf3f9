"""An SMTP server that misbehaves by script: at any step it can refuse, hang up, fall silent, or drip."""

from __future__ import annotations

import contextlib
import math
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Drop:
    """Hang up, after these last words if there are any."""

    last_words: str = ""


@dataclass(frozen=True)
class Silence:
    """Keep the connection open and say nothing."""


@dataclass(frozen=True)
class Drip:
    """Send a reply byte by byte, with a pause between two."""

    reply: str
    pause_seconds: float


@dataclass(frozen=True)
class Raw:
    """Send these bytes as they are."""

    sent: bytes


@dataclass(frozen=True)
class Later:
    """Say nothing until the test sets the event, then reply."""

    event: threading.Event
    reply: str


Action = str | Drop | Silence | Drip | Raw | Later

GOOD: Mapping[str, Action] = {
    "GREETING": "220 scripted.test ESMTP",
    "EHLO": "250 scripted.test",
    "HELO": "250 scripted.test",
    "STARTTLS": "220 2.0.0 go ahead",
    "AUTH": "235 2.7.0 welcome",
    "AUTH 1": "334 UGFzc3dvcmQ6",
    "AUTH 2": "235 2.7.0 welcome",
    "MAIL": "250 2.1.0 ok",
    "RCPT": "250 2.1.5 ok",
    "ANOTHER RCPT": "452 4.5.3 too many recipients",
    "DATA": "354 go ahead",
    ".": "250 2.0.0 queued as SCRIPTED1",
    "RSET": "250 2.0.0 ok",
    "NOOP": "250 2.0.0 ok",
    "QUIT": "221 2.0.0 bye",
}


@dataclass(frozen=True)
class Script:
    """How one connection goes; what is not named goes well.

    `does` is by command verb, by "RCPT TO:<a@b>" for one recipient, by "." for the end of the text, by "TEXT"
    for the moment after 354, by "AUTH 1" for the first line after a 334, by "HANDSHAKE" for what is done in
    place of TLS, and by "GREETING".
    """

    does: Mapping[str, Action] = field(default_factory=dict)
    #: What it does instead once a text was taken over.
    later: Mapping[str, Action] = field(default_factory=dict)
    #: What it does unasked once a text was taken over.
    after_text: Action | None = None
    offers: Sequence[str] = ("PIPELINING", "SIZE 10000000", "8BITMIME")
    tls: ssl.SSLContext | None = None
    implicit_tls: bool = False
    #: So many recipients are taken in one transaction; 0 = any number.
    recipients_at_once: int = 0


@dataclass
class Session:
    """What one connection brought."""

    commands: list[str] = field(default_factory=list)
    #: When each of them came, by the clock of this machine.
    command_times: list[float] = field(default_factory=list)
    #: Texts that were ended by a dot, as they came over the wire, without it.
    texts: list[bytes] = field(default_factory=list)
    #: When each of them had come and was answered, in seconds that only grow; the last may have no answer.
    taken_at: list[float] = field(default_factory=list)
    answered_at: list[float] = field(default_factory=list)
    unfinished: bytes = b""
    protected: bool = False
    closed: threading.Event = field(default_factory=threading.Event)
    #: Seconds that only grow: when it was taken, and when it ended.
    opened_at: float = field(default_factory=time.monotonic)
    closed_at: float = math.inf

    def verbs(self) -> list[str]:
        return [command.split(" ", 1)[0] for command in self.commands]


class ScriptedServer:
    def __init__(self, *scripts: Script) -> None:
        self._scripts = scripts or (Script(),)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.sessions: list[Session] = []
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._conversations: list[_Conversation] = []
        self._accepting = threading.Thread(target=self._accept)
        self._accepting.start()

    def stop(self) -> None:
        self._stopping.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._accepting.join()
        for conversation in self._conversations:
            conversation.interrupt()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            script = self._scripts[min(len(self.sessions), len(self._scripts) - 1)]
            session = Session()
            self.sessions.append(session)
            conversation = _Conversation(peer, script, session, self._stopping)
            self._conversations.append(conversation)
            thread = threading.Thread(target=self._serve, args=(conversation, session))
            self._threads.append(thread)
            thread.start()

    @staticmethod
    def _serve(conversation: _Conversation, session: Session) -> None:
        try:
            with contextlib.suppress(OSError, EOFError):
                conversation.run()
        finally:
            # Whoever hears of the end may have another connection by the time that this thread goes on.
            session.closed_at = min(session.closed_at, time.monotonic())
            conversation.hang_up()
            session.closed.set()


class _Conversation:
    def __init__(
        self, peer: socket.socket, script: Script, session: Session, stopping: threading.Event
    ) -> None:
        self._peer = peer
        self._script = script
        self._session = session
        self._stopping = stopping
        self._lines = peer.makefile("rb")
        self._does = script.does
        self._recipients = 0

    def interrupt(self) -> None:
        """From another thread: have whatever it waits for fail."""
        with contextlib.suppress(OSError):
            # Past what a TLS socket would do here: it would forget its TLS while the other thread reads.
            socket.socket.shutdown(self._peer, socket.SHUT_RDWR)

    def hang_up(self) -> None:
        with contextlib.suppress(OSError):
            self._lines.close()
        with contextlib.suppress(OSError):
            self._peer.close()

    def run(self) -> None:
        if self._script.implicit_tls:
            self._protect()
        self._act("GREETING")
        while True:
            command = self._read().decode("utf-8", "replace")
            self._hear(command)
            verb = command.split(" ", 1)[0].upper()
            if verb == "EHLO" and "EHLO" not in self._does:
                self._say("\n".join(("250 scripted.test", *self._offers())))
                continue
            if verb == "QUIT":
                # Whoever hears the reply may have another connection by the time that this thread goes on.
                self._session.closed_at = time.monotonic()
            last = self._act(self._step(command, verb))
            if verb == "STARTTLS" and last.startswith("220"):
                self._protect()
            lines = 0
            while verb == "AUTH" and last.startswith("334"):
                self._hear(self._read().decode())
                lines += 1
                last = self._act(f"AUTH {lines}")
            if verb == "DATA" and last.startswith("354"):
                self._text()
            if verb == "QUIT":
                raise EOFError

    def _step(self, command: str, verb: str) -> str:
        """Under which name the script has this command."""
        if verb == "MAIL":
            self._recipients = 0
        elif verb == "RCPT":
            self._recipients += 1
            if 0 < self._script.recipients_at_once < self._recipients:
                return "ANOTHER RCPT"
        return command if command in self._does else verb

    def _hear(self, command: str) -> None:
        self._session.command_times.append(time.time())
        self._session.commands.append(command)

    def _offers(self) -> list[str]:
        tls = self._script.tls is not None and not self._session.protected
        return [f"250 {offer}" for offer in (*self._script.offers, *(["STARTTLS"] if tls else []))]

    def _text(self) -> None:
        if "TEXT" in self._does:
            self._act("TEXT")
        text = bytearray()
        while True:
            line = self._lines.readline()
            if not line:
                self._session.unfinished = bytes(text)
                raise EOFError
            if line == b".\r\n":
                break
            text += line
        self._session.taken_at.append(time.monotonic())
        self._session.texts.append(bytes(text))
        self._act(".")
        self._session.answered_at.append(time.monotonic())
        self._does = self._script.later or self._does
        if self._script.after_text is not None:
            self._act("AFTER TEXT")

    def _protect(self) -> None:
        assert self._script.tls is not None
        if "HANDSHAKE" in self._does:
            self._act("HANDSHAKE")
            raise EOFError
        self._lines.close()
        self._peer = self._script.tls.wrap_socket(self._peer, server_side=True)
        self._lines = self._peer.makefile("rb")
        self._session.protected = True

    def _read(self) -> bytes:
        line = self._lines.readline()
        if not line:
            raise EOFError
        return line.rstrip(b"\r\n")

    def _act(self, step: str) -> str:
        action = self._does.get(step) or GOOD.get(step, "502 5.5.1 what")
        if step == "AFTER TEXT" and self._script.after_text is not None:
            action = self._script.after_text
        match action:
            case Drop():
                if action.last_words:
                    self._say(action.last_words)
                raise EOFError
            case Silence():
                self._stopping.wait()
                raise EOFError
            case Raw():
                self._peer.sendall(action.sent)
                return action.sent.decode("latin-1")
            case Drip():
                self._drip(action)
                return action.reply
            case Later():
                self._wait_for(action.event)
                self._say(action.reply)
                return action.reply
        self._say(action)
        if action.startswith("421"):
            raise EOFError
        return action

    def _drip(self, action: Drip) -> None:
        for byte in f"{action.reply}\r\n".encode():
            self._peer.sendall(bytes([byte]))
            if self._stopping.wait(action.pause_seconds):
                raise EOFError

    def _wait_for(self, event: threading.Event) -> None:
        while not event.wait(0.01):
            if self._stopping.is_set():
                raise EOFError

    def _say(self, reply: str) -> None:
        """Send a reply; of several lines, each with the same code, all but the last get their hyphen."""
        lines = reply.split("\n")
        told = [f"{line[:3]}-{line[4:]}" for line in lines[:-1]] + lines[-1:]
        self._peer.sendall("".join(f"{line}\r\n" for line in told).encode())


@contextlib.contextmanager
def scripted_server(*scripts: Script) -> Iterator[ScriptedServer]:
    """A server for the tests; each connection goes by the next script, and the last goes for all others."""
    server = ScriptedServer(*scripts)
    try:
        yield server
    finally:
        server.stop()
