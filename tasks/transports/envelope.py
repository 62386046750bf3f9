"""What a server said to sender and recipients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tasks.transports.reply import Reply
from tasks.verdict import Judgement


@dataclass(frozen=True, slots=True)
class Refusal:
    """One recipient that the server did not accept.

    Attributes:
        judgement: What that means; it may speak of the server too (relaying denied, throttled).
        reply: What the server said; None where the address was not even sent.
    """

    judgement: Judgement
    reply: Reply | None = None


@dataclass(frozen=True, slots=True)
class Envelope:
    """The answer to MAIL, RCPT and DATA.

    Attributes:
        accepted: Recipients that get the text, in the order they were given; without any, no text is due.
        refused: The others.
    """

    accepted: tuple[str, ...] = field(repr=False)
    refused: Mapping[str, Refusal] = field(repr=False)
