"""What can go wrong on the way to a server, as one tree.

    TransportError
    ├── TransportFailure          a server, or the way to it, did not do what was asked; carries the judgement
    ├── TokenFailure              the token source has no token; `transient` where a later try may help
    ├── GarbledReply              a server sent what is no SMTP; inside this room only
    ├── OutOfTurn (RuntimeError)  our own code sent a text without an envelope that was accepted
    └── InvalidLocalHostname (ValueError)   the name we are to greet servers with cannot be sent

No message of these holds an address, a secret or the text of a reply.
"""

from __future__ import annotations

from collections.abc import Mapping

from tasks.transports.envelope import Refusal
from tasks.transports.outcome import Kind, Outcome
from tasks.transports.phase import Phase
from tasks.transports.reply import Reply
from tasks.verdict import Judgement, judge


class TransportError(Exception):
    """Base of everything this room raises."""


class TransportFailure(TransportError):
    """A step failed; the connection is closed, and no dot was sent unless the phase is final.

    Attributes:
        outcome: What happened.
        judgement: What that means.
        refused: Recipients that the server had refused by themselves before, and why.
    """

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome)
        self.outcome = outcome
        self.judgement: Judgement = judge(outcome)
        self.refused: Mapping[str, Refusal] = {}

    @property
    def phase(self) -> Phase:
        """The step that failed."""
        return self.outcome.phase

    @property
    def reply(self) -> Reply | None:
        """What the server said, if it said anything."""
        return self.outcome.reply

    @property
    def reused(self) -> bool:
        """Whether the connection had been used before: then a fresh one may do better at once."""
        return self.outcome.reused

    def __str__(self) -> str:
        kind = self.outcome.kind
        what = str(self.outcome.reply.code) if self.outcome.reply else kind.name.lower()
        return f"{self.phase.value} {what}"

    def __repr__(self) -> str:
        return f"TransportFailure({self})"


class TokenFailure(TransportError):
    """There is no token for the sign-in; the message says why, in words that a record may show.

    Attributes:
        transient: A later try may help (the token server is down or busy); else an operator must act.
        retry_after_seconds: The wait that the token server asked for, if any.
    """

    def __init__(
        self,
        reason: str = Kind.TOKEN.value,
        *,
        transient: bool = False,
        retry_after_seconds: int | None = None,
    ) -> None:
        super().__init__(reason)
        self.transient = transient
        self.retry_after_seconds = retry_after_seconds


class GarbledReply(TransportError):
    """A server sent what is no SMTP reply, or more of it than we read."""


class OutOfTurn(TransportError, RuntimeError):
    """A text without an accepted envelope before it."""


class InvalidLocalHostname(TransportError, ValueError):
    """The name for EHLO is neither a host name nor an address literal."""
