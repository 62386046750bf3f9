"""SMTP servers for whole deliveries: scripted by step and recipient, changed while they run."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from tests.rigs.scripted_smtp import Drop

#: One reply, hanging up, or None for the good reply.
Reply = str | Drop | None
#: A reply for good, a function that is asked each time, or several of these, used up one after the other.
Once = Reply | Callable[[], Reply]
Answer = Once | Sequence[Once]

NO_VALID_RECIPIENTS = "554 5.5.1 no valid recipients"
GOOD = {
    "GREETING": "220 delivery.test ESMTP",
    "STARTTLS": "220 2.0.0 go ahead",
    "AUTH": "235 2.7.0 welcome",
    "MAIL": "250 2.1.0 ok",
    "RCPT": "250 2.1.5 ok",
    "DATA": "354 go ahead",
    "DOT": "250 2.0.0 queued as TAKEN1",
    "RSET": "250 2.0.0 ok",
    "NOOP": "250 2.0.0 ok",
    "QUIT": "221 2.0.0 bye",
}


@dataclass(frozen=True)
class Text:
    """A text that came whole, final dot and all.

    Attributes:
        recipients: Those that the server had accepted for it.
        raw: As it came over the wire, without the dot.
        reply: What the server said to the dot; blank where it hung up instead.
        at_ms: When, by the server's clock.
    """

    recipients: tuple[str, ...]
    raw: bytes
    reply: str
    at_ms: int


@dataclass(eq=False)
class MailServer:
    """A server on a port of its own; connections are refused until it is started.

    Attributes:
        answers: By step (a key of `GOOD`), or by step and recipient: "RCPT a@b"; "DOT a@b" goes by the first
            recipient that was accepted. What is not named goes well.
        texts: Every text that came whole.
        commands: Every command of every connection, in the order they came.
        asked: Every recipient that was named to it, in order.
        connections: How many were opened.
        open_now: How many are open.
        most_open: How many were open at once, at the most.
        now_ms: Its clock.
    """

    offers: Sequence[str] = ("PIPELINING", "SIZE 10000000", "8BITMIME", "SMTPUTF8", "AUTH PLAIN")
    tls: ssl.SSLContext | None = None
    answers: dict[str, Answer] = field(default_factory=dict)
    texts: list[Text] = field(default_factory=list, repr=False)
    commands: list[str] = field(default_factory=list, repr=False)
    asked: list[str] = field(default_factory=list, repr=False)
    connections: int = 0
    open_now: int = 0
    most_open: int = 0
    now_ms: Callable[[], int] = lambda: 0

    def __post_init__(self) -> None:
        # Bound but not listening: the port is ours, and whoever connects is refused.
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._accepting: threading.Thread | None = None
        self._counting = threading.Lock()
        self._talking: list[threading.Thread] = []
        self._peers: list[socket.socket] = []

    def start(self) -> None:
        self._socket.listen(50)
        self._accepting = threading.Thread(target=self._accept)
        self._accepting.start()

    def stop(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        if self._accepting is not None:
            self._accepting.join()
        self._hang_up()

    def go_down(self) -> None:
        """Hang up on everybody, and from now on on whoever comes."""
        self.answers["GREETING"] = Drop()
        self._hang_up()

    def come_up(self) -> None:
        """Greet again."""
        self.answers.pop("GREETING", None)

    def _hang_up(self) -> None:
        for peer in self._peers:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(peer, socket.SHUT_RDWR)
        for thread in self._talking:
            thread.join()

    @property
    def verbs(self) -> list[str]:
        return [command.split(" ", 1)[0].upper() for command in self.commands]

    @property
    def taken(self) -> list[Text]:
        return [text for text in self.texts if text.reply.startswith("2")]

    @property
    def got(self) -> list[str]:
        """Whom it took a text over for, once for each time."""
        return [recipient for text in self.taken for recipient in text.recipients]

    @property
    def heard(self) -> list[str]:
        """Whom a whole text came for, whatever was replied."""
        return [recipient for text in self.texts for recipient in text.recipients]

    def reply(self, step: str, recipient: str = "") -> str:
        """What to say now; raises `EOFError` to hang up."""
        key = f"{step} {recipient}"
        key = key if key in self.answers else step
        answer = self.answers.get(key)
        if isinstance(answer, Sequence) and not isinstance(answer, str):
            answer, self.answers[key] = (answer[0], answer[1:]) if answer else (None, ())
        if callable(answer):
            answer = answer()
        match answer:
            case Drop():
                raise EOFError
            case None:
                return GOOD.get(step, "502 5.5.1 what")
        return answer

    def _accept(self) -> None:
        while True:
            try:
                peer, _ = self._socket.accept()
            except OSError:
                return
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections += 1
            self._peers.append(peer)
            thread = threading.Thread(target=self._talk, args=(peer,))
            self._talking.append(thread)
            thread.start()

    def _talk(self, peer: socket.socket) -> None:
        conversation = _Conversation(self, peer)
        with self._counting:
            self.open_now += 1
            self.most_open = max(self.most_open, self.open_now)
        try:
            with contextlib.suppress(OSError, EOFError):
                conversation.run()
        finally:
            with self._counting:
                self.open_now -= 1
            conversation.close()


class _Conversation:
    def __init__(self, server: MailServer, peer: socket.socket) -> None:
        self._server = server
        self._peer = peer
        self._lines = peer.makefile("rb")
        self._accepted: list[str] = []
        self._protected = False

    def close(self) -> None:
        for end in (self._lines, self._peer):
            with contextlib.suppress(OSError):
                end.close()

    def run(self) -> None:
        self._say(self._server.reply("GREETING"))
        while True:
            command = self._read()
            self._server.commands.append(command)
            self._act(command)

    def _act(self, command: str) -> None:
        verb, _, rest = command.partition(" ")
        match verb := verb.upper():
            case "EHLO":
                self._hello()
            case "MAIL" | "RSET":
                self._accepted = []
                self._say(self._server.reply(verb))
            case "RCPT":
                self._recipient(rest.removeprefix("TO:<").rstrip(">"))
            case "DATA":
                self._data()
            case "STARTTLS":
                self._say(self._server.reply(verb))
                self._protect()
            case "QUIT":
                self._say(self._server.reply(verb))
                raise EOFError
            case _:
                self._say(self._server.reply(verb))

    def _hello(self) -> None:
        offers = [*self._server.offers]
        if self._server.tls is not None and not self._protected:
            offers.append("STARTTLS")
        lines = ["delivery.test", *offers]
        self._peer.sendall("".join(f"250-{line}\r\n" for line in lines).encode() + b"250 HELP\r\n")

    def _recipient(self, address: str) -> None:
        self._server.asked.append(address)
        reply = self._server.reply("RCPT", address)
        if reply.startswith("2"):
            self._accepted.append(address)
        self._say(reply)

    def _data(self) -> None:
        if not self._accepted:
            self._say(NO_VALID_RECIPIENTS)
            return
        reply = self._server.reply("DATA")
        self._say(reply)
        if not reply.startswith("354"):
            return
        text = bytearray()
        while (line := self._lines.readline()) != b".\r\n":
            if not line:
                raise EOFError
            text += line
        recipients, self._accepted = tuple(self._accepted), []
        server = self._server
        try:
            reply = server.reply("DOT", recipients[0])
        except EOFError:
            server.texts.append(Text(recipients, bytes(text), "", server.now_ms()))
            raise
        server.texts.append(Text(recipients, bytes(text), reply, server.now_ms()))
        self._say(reply)

    def _protect(self) -> None:
        assert self._server.tls is not None
        self._lines.close()
        self._peer = self._server.tls.wrap_socket(self._peer, server_side=True)
        self._lines = self._peer.makefile("rb")
        self._protected = True

    def _read(self) -> str:
        line = self._lines.readline()
        if not line:
            raise EOFError
        return line.decode().rstrip("\r\n")

    def _say(self, reply: str) -> None:
        self._peer.sendall(f"{reply}\r\n".encode())
        if reply.startswith("421"):
            raise EOFError


@contextlib.contextmanager
def mail_server(*, tls: ssl.SSLContext | None = None, started: bool = True) -> Iterator[MailServer]:
    """A server that is stopped in the end."""
    server = MailServer(tls=tls)
    if started:
        server.start()
    try:
        yield server
    finally:
        server.stop()
