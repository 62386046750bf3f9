"""MAIL, RCPT and DATA up to 354: a command a round trip, or all in one write where PIPELINING is offered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import MappingProxyType

from tasks.transports.address import address_fault
from tasks.transports.client import Client
from tasks.transports.envelope import Envelope, Refusal
from tasks.transports.failure import TransportFailure
from tasks.transports.outcome import Kind, Outcome
from tasks.transports.phase import Phase
from tasks.transports.reply import Reply
from tasks.verdict import Verdict, judge

#: Commands written before their replies are read. RFC 2920 3.1 warns of both sides writing and neither
#: reading: a hundred replies fit the smallest socket buffer.
PIPELINED_COMMANDS = 100

_SEND_TEXT = 354
_CLOSING = 421
_NEEDS_UTF8 = "needs SMTPUTF8, which the server does not offer"
_ABOUT_THE_CONNECTION = frozenset({Verdict.SERVER_DOWN, Verdict.STALE_CONNECTION})


def open_envelope(
    client: Client,
    sender: str,
    recipients: Sequence[str],
    size_bytes: int,
    *,
    smtputf8: bool = False,
    pipelined: bool = True,
) -> Envelope:
    """Name sender and recipients, and ask to send the text.

    Where at least one recipient is accepted the server waits for the text. Where none is, the transaction is
    over: nothing is outstanding, and nothing of it can be delivered.

    Args:
        client: Ready for a message.
        sender: Envelope sender.
        recipients: Envelope recipients; one named twice is sent once.
        size_bytes: Of the text as sent; 0 = not known.
        smtputf8: The text itself needs SMTPUTF8 (non-ASCII headers). Addresses are looked at in any case.
        pipelined: Write all commands at once where the server allows it; a test wants each step by itself.

    Raises:
        TransportFailure: Sender or message are refused, or the connection failed; no text is due.
    """
    transaction = _Transaction(client)
    mail = transaction.prepare(sender, recipients, size_bytes, smtputf8=smtputf8)
    try:
        if transaction.waiting and pipelined and client.has_extn("pipelining"):
            transaction.run_pipelined(mail)
        elif transaction.waiting:
            transaction.run_in_steps(mail)
    except TransportFailure as failure:
        failure.refused = MappingProxyType(transaction.refused)
        raise
    return Envelope(tuple(transaction.accepted), MappingProxyType(transaction.refused))


def ask_recipients(client: Client, sender: str, recipients: Sequence[str]) -> Envelope:
    """Ask whether sender and recipients are taken, and for nothing more: no text is due.

    The server forgets the question with the QUIT that must follow (RFC 5321 4.1.1.10).

    Args:
        client: Ready for a message.
        sender: Envelope sender.
        recipients: Envelope recipients; without any only the sender is asked about.

    Raises:
        TransportFailure: The sender is refused, or the connection failed.
    """
    transaction = _Transaction(client)
    transaction.name_in_steps(transaction.prepare(sender, recipients, 0, smtputf8=False))
    return Envelope(tuple(transaction.accepted), MappingProxyType(transaction.refused))


class _Transaction:
    def __init__(self, client: Client) -> None:
        self.client = client
        self.waiting: list[str] = []
        self.accepted: list[str] = []
        self.refused: dict[str, Refusal] = {}

    def prepare(self, sender: str, recipients: Sequence[str], size_bytes: int, *, smtputf8: bool) -> str:
        """Check everything before a byte is written; the MAIL command."""
        client = self.client
        client.phase = Phase.MAIL
        offers_utf8 = client.has_extn("smtputf8")
        fault = address_fault(sender) or ("" if offers_utf8 or sender.isascii() else _NEEDS_UTF8)
        if fault:
            raise client.failure(Kind.SENDER_ADDRESS, detail=f"the sender's address {fault}")
        if smtputf8 and not offers_utf8:
            raise client.failure(Kind.UTF8_MISSING)
        if size_bytes > (largest_bytes(client) or size_bytes):
            raise client.failure(Kind.TOO_LARGE)
        for recipient in dict.fromkeys(recipients):
            fault = address_fault(recipient) or ("" if offers_utf8 or recipient.isascii() else _NEEDS_UTF8)
            if fault:
                detail = f"the recipient's address {fault}"
                outcome = Outcome(Phase.RCPT, Kind.RECIPIENT_ADDRESS, detail=detail)
                self.refused[recipient] = Refusal(judge(outcome))
            else:
                self.waiting.append(recipient)
        parameters = [f"SIZE={size_bytes}"] if size_bytes and client.has_extn("size") else []
        if smtputf8 or not all(address.isascii() for address in (sender, *self.waiting)):
            parameters.append("SMTPUTF8")
        return " ".join([f"MAIL FROM:<{sender}>", *parameters])

    def name_in_steps(self, mail: str) -> None:
        """MAIL and RCPT; each command waits for its reply."""
        self.client.command(Phase.MAIL, mail)
        self._read_mail()
        for recipient in self.waiting:
            self.client.command(Phase.RCPT, _rcpt(recipient))
            self._read_rcpt(recipient)

    def run_in_steps(self, mail: str) -> None:
        """Each command waits for its reply."""
        client = self.client
        self.name_in_steps(mail)
        if self.accepted:
            client.command(Phase.DATA, "DATA")
            reply = client.answer(Phase.DATA, client.timeouts.data_start_seconds)
            client.check(holds=reply.code == _SEND_TEXT)
        else:
            self._reset()

    def run_pipelined(self, mail: str) -> None:
        """All commands in one write (RFC 2920); then the replies in their order."""
        client = self.client
        commands = [mail, *map(_rcpt, self.waiting), "DATA"]
        recipients = iter(self.waiting)
        for start in range(0, len(commands), PIPELINED_COMMANDS):
            group = commands[start : start + PIPELINED_COMMANDS]
            client.command(Phase.RCPT if start else Phase.MAIL, *group)
            self._read_group(group, recipients)
        # DATA is out already, whatever became of the recipients.
        reply = client.answer(Phase.DATA, client.timeouts.data_start_seconds)
        if self.accepted:
            client.check(holds=reply.code == _SEND_TEXT)
        else:
            self._take_back(reply)

    def _read_group(self, group: Sequence[str], recipients: Iterator[str]) -> None:
        for command in group:
            if command.startswith("MAIL"):
                self._read_mail()
            elif command.startswith("RCPT"):
                self._read_rcpt(next(recipients))

    def _read_mail(self) -> None:
        self.client.check(holds=self.client.answer(Phase.MAIL).accepts)

    def _read_rcpt(self, recipient: str) -> None:
        reply = self.client.answer(Phase.RCPT)
        if reply.accepts:
            self.accepted.append(recipient)
            return
        outcome = Outcome(
            Phase.RCPT, reply=reply, reused=self.client.reused, accepted_before=len(self.accepted)
        )
        judgement = judge(outcome)
        if judgement.verdict in _ABOUT_THE_CONNECTION:
            raise TransportFailure(outcome)
        self.refused[recipient] = Refusal(judgement, reply)

    def _take_back(self, reply: Reply) -> None:
        """Nobody was accepted: leave the transaction without a message."""
        if reply.code != _SEND_TEXT:
            self._reset()
            return
        # RFC 2920 3.1: a server that asks for the text of nobody gets a dot alone. Each recipient was refused
        # in words, so there is nobody it could be delivered to; a server that thanks for it is left.
        code = self._exchange(".")
        if code == _CLOSING or code // 100 not in {4, 5}:
            self.client.close()

    def _reset(self) -> None:
        if self._exchange("RSET") // 100 != 2:  # noqa: PLR2004  # the first digit of RFC 5321 4.2.1
            self.client.close()

    def _exchange(self, command: str) -> int:
        """One command that changes nothing for anybody; its code, or 0 where the connection broke."""
        try:
            self.client.command(Phase.RCPT, command)
            return self.client.answer(Phase.RCPT).code
        except TransportFailure:
            return 0


def _rcpt(recipient: str) -> str:
    return f"RCPT TO:<{recipient}>"


def largest_bytes(client: Client) -> int:
    """The server's SIZE (RFC 1870); 0 = it names none."""
    named = client.esmtp_features.get("size", "").split(" ")[0]
    return int(named) if named.isascii() and named.isdigit() and len(named) < len("1" * 20) else 0
