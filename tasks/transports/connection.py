"""One connection as a delivery uses it: name the recipients, then send the text, or leave without a trace."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from tasks.transports.client import Client
from tasks.transports.envelope import Envelope
from tasks.transports.failure import OutOfTurn
from tasks.transports.phase import Phase
from tasks.transports.reply import Reply
from tasks.transports.sending import nobody_follows, send_text
from tasks.transports.timeouts import Timeouts
from tasks.transports.transaction import largest_bytes, open_envelope


class Connection:
    """A connection, signed in; used by one thread at a time.

    Attributes:
        opened_at: When it was opened, by the pool's clock in seconds.
        holder: Its name, by which its place under a limit is known.
        messages: Texts sent over it so far.
        on_written: Called when a text is handed over and its reply is due.
    """

    def __init__(self, client: Client, *, opened_at: float, holder: str = "", messages: int = 0) -> None:
        self._client = client
        self.on_written: Callable[[], None] = nobody_follows
        self._text_due = False
        self._retired = False
        self.opened_at = opened_at
        self.holder = holder
        self.messages = messages

    @property
    def reused(self) -> bool:
        """Whether it was used before: a failure before the text may then only mean that it is stale."""
        return self._client.reused

    @property
    def phase(self) -> Phase:
        """The step it is in."""
        return self._client.phase

    @property
    def largest_bytes(self) -> int:
        """The largest message that the server says it takes (SIZE, RFC 1870); 0 = it names none."""
        return largest_bytes(self._client)

    @property
    def is_clean(self) -> bool:
        """Whether another message may follow: open, in step, and not retired."""
        return self._client.is_open and not self._text_due and not self._retired

    def envelope(
        self, sender: str, recipients: Sequence[str], size_bytes: int, *, smtputf8: bool = False
    ) -> Envelope:
        """Send MAIL, RCPT and DATA; see `open_envelope`.

        Where recipients were accepted the server now waits: go on with `message`, or leave by `abort`.

        Raises:
            TransportFailure: Sender or message are refused, or the connection failed; no text is due.
            OutOfTurn: A text is due already.
        """
        if self._text_due:
            raise OutOfTurn("the text of the envelope before is still due")
        envelope = open_envelope(self._client, sender, recipients, size_bytes, smtputf8=smtputf8)
        self._text_due = bool(envelope.accepted)
        # The next message on this connection, if any, meets a server that had time to give it up.
        self._client.reused = self._client.reused or not envelope.accepted
        return envelope

    def message(self, chunks: Iterable[bytes]) -> Reply:
        """Stream the text and its end; the server's word is what it replied to the dot.

        Raises:
            TransportFailure: In phase body: not delivered. In phase final: refused, or uncertain.
            OutOfTurn: No recipient was accepted before.
            Exception: What the chunks raised; not delivered.
        """
        if not self._text_due:
            raise OutOfTurn("no envelope was accepted before this text")
        self._client.awaits_last_word()
        reply = send_text(self._client, chunks, written=self.on_written)
        self._client.has_read_all()
        self._text_due = False
        self._client.reused = True
        self.messages += 1
        return reply

    @property
    def follows(self) -> bool:
        """Whether the message before may still wait for its last reply on it."""
        return self._client.follows

    @property
    def may_be_followed(self) -> bool:
        """Whether the server takes the commands for a message before it replied to the text before."""
        return self._client.has_extn("pipelining") and not self._retired

    def follower(self) -> Connection | None:
        """The connection as the next message uses it, whose envelope may be sent behind the text at once."""
        client = self._client.follower()
        if client is None:
            return None
        return Connection(client, opened_at=self.opened_at, holder=self.holder, messages=self.messages + 1)

    def pass_on(self) -> bool:
        """Leave it to who else is on it, if somebody is; whether that is so."""
        if self._client.pass_on():
            return True
        self._client.stands_alone()
        return False

    def take_up(self, timeouts: Timeouts) -> bool:
        """Before another use: whether the connection still lives, as far as can be told without a round trip.

        An SMTP server speaks unasked only to say 421, so whatever can be read means that it is over.
        """
        self._client.timeouts = timeouts
        self._client.reused = True
        return self._client.is_open and (self.follows or not self._client.peer_spoke())

    def noop(self) -> Reply:
        """Ask whether the server is there: the probe's last step.

        Raises:
            TransportFailure: It is not.
        """
        self._client.command(Phase.NOOP, "NOOP")
        reply = self._client.answer(Phase.NOOP)
        self._client.check(holds=reply.accepts)
        return reply

    def abort(self) -> bool:
        """Close the socket without the dot: provably not delivered. A second time does nothing.

        Returns:
            Whether it is closed: not as long as another message has a reply due on it.
        """
        return self._client.abandon()

    @property
    def is_over(self) -> bool:
        """Whether the server is known to have closed its side as well."""
        return self._client.is_over

    def forget(self) -> None:
        """Leave it to the process that this one was forked from: nothing is said, and it stays open there."""
        self._client.forget()

    def retire(self) -> None:
        """Have it closed after this use instead of kept, so that others get its place at the server."""
        self._retired = True

    def close(self) -> None:
        """Take leave with QUIT where the server waits for a command, else close at once."""
        if self._client.is_open and not self._text_due:
            self._client.say_goodbye()
        else:
            self._client.close()
