"""Where a pass stands: the claim, the recipients' outcomes so far, and what is not yet in the ledger."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Literal

from settings_store.snapshot import Snapshot
from tasks.breaker import Permission
from tasks.delivery.memory import Memory, Unsure, read_memory
from tasks.delivery.options import resent_channels
from tasks.delivery.turn import Following, nobody
from tasks.delivery.walked import Walked
from tasks.ledger import Claim, Results
from tasks.notification import Notification, envelope_recipients, load


class PassState:
    """Everything a pass knows. It belongs to one thread.

    Attributes:
        claim: The right to this pass.
        notification: What is sent.
        addresses: The recipients in the order of the envelope.
        outcomes: A letter for each of them, as the ledger has it.
        snapshot: The options; replaced where they changed in mid-pass.
        memory: What is known of servers from the passes before.
        walked: What was seen on the way in this one.
        attempts: Number of the last attempt.
        pending: Results that the ledger does not have yet.
        closes_intent: Whether those results close an intent.
        text_made: Id of the text that this pass had follow its e-mail; blank where it had none.
        permissions: What the breaker said when the claim was given; for the first walk alone.
        following: Says whose turn is next, to be claimed in the round trip that finishes this pass.
    """

    def __init__(
        self,
        claim: Claim,
        snapshot: Snapshot,
        *,
        clock: Callable[[], float] = time.monotonic,
        permissions: Mapping[str, Permission] = MappingProxyType({}),
        following: Following = nobody,
    ) -> None:
        self.claim = claim
        self.notification: Notification = load(claim.content)
        self.addresses = envelope_recipients(self.notification)
        self.outcomes = list(claim.outcomes)
        self.snapshot = snapshot
        self.memory: Memory = read_memory(claim.memory)
        self.walked = Walked()
        self.attempts = claim.attempts
        self.pending = Results()
        self.closes_intent = False
        self.text_made = ""
        self.permissions = permissions
        self.following = following
        self._clock = clock
        self._began = clock()
        # Where a worker died over it, the ledger alone knows which server it was.
        for index in self.having("u"):
            self.memory.unsure.setdefault(index, Unsure(claim.unsure_server, claim.unsure_at_ms))

    @property
    def is_text(self) -> bool:
        """Whether each recipient gets a message of their own."""
        return self.claim.channel == "text"

    @property
    def seconds(self) -> float:
        """How long this pass runs."""
        return self._clock() - self._began

    def now_ms(self) -> int:
        """Now, by Redis' clock at the claim and this process' own since."""
        return self.claim.at_ms + int(self.seconds * 1000)

    @property
    def accepted_at(self) -> datetime:
        """When the notification was accepted: the Date of the message on every attempt."""
        return datetime.fromtimestamp(self.claim.accepted_at_ms / 1000, tz=UTC)

    def having(self, letter: str) -> list[int]:
        """The recipients with this outcome."""
        return [index for index, outcome in enumerate(self.outcomes) if outcome == letter]

    def settle(self, outcomes: Mapping[int, str]) -> None:
        """Take over outcomes, to be written with the next results."""
        for index, letter in outcomes.items():
            self.outcomes[index] = letter
            self.pending.outcomes[index] = letter

    def forget_pending(self) -> None:
        """The ledger has the results now."""
        self.pending, self.closes_intent = Results(), False

    def letter_if_unanswered(self, indexes: Iterable[int]) -> Literal["u", "x"]:
        """What becomes of recipients whose server never answers the final dot.

        An e-mail is sent once more by the same server; a text, which nobody wants twice, only where the
        options say so. A second silence is final.
        """
        if any(self.outcomes[index] == "u" for index in indexes):
            return "x"
        return "u" if self.may_resend else "x"

    @property
    def may_resend(self) -> bool:
        """Whether what may have arrived is sent once more."""
        return self.claim.channel in self.snapshot.derive(resent_channels)
