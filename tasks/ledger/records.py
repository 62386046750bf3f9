"""What goes into the ledger and what comes out of it."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args

import msgspec

from tasks.lanes import Lane
from tasks.server import Channel

State = Literal[
    "queued",
    "sending",
    "waiting",
    "held",
    "delivered",
    "partial",
    "uncertain",
    "failed",
    "expired",
    "cancelled",
]
STATES: Final[tuple[State, ...]] = get_args(State)
#: Final, and somebody does not have it for sure: for a person to read.
DEAD_LETTERS: Final[frozenset[State]] = frozenset({"partial", "uncertain", "failed", "expired"})
OPEN_STATES: Final = frozenset(STATES[:4])
FINAL_STATES: Final = frozenset(STATES[4:])

#: What no publisher asked for: a text that follows a mail, or a notice about this notifier; else blank.
NotificationKind = Literal["", "escalation", "notice"]

#: How much a notification presses; the lane follows from it, unless files must be fetched.
Priority = Literal["high", "normal", "low"]

Outcome = Literal["open", "delivered", "refused", "uncertain"]
OUTCOME_OF_LETTER: Final[dict[str, Outcome]] = {
    "o": "open",
    "d": "delivered",
    "r": "refused",
    "u": "uncertain",
    "x": "uncertain",
}


class Entry(msgspec.Struct, frozen=True, gc=False):
    """A notification on its way into the ledger.

    Attributes:
        id: Made by the caller; asking again with the same id and content is harmless.
        digest: Hash of the content: the same id or key with another digest is refused.
        content: The notification as canonical JSON.
        recipients: How many recipients the envelope has.
        key: Hash of the idempotency key, or empty.
        not_before_ms: Unix milliseconds before which nothing is sent; 0 = at once.
        expires_ms: Unix milliseconds after which nothing is sent; 0 = the age limit alone decides.
        unknown_tokens: Names of tokens that nothing resolves; said in the timeline.
        age_limit_ms: How long after its start it may be tried.
        kind: What it is, where nobody published it.
        begins_with: The first entry of its timeline: where it comes from.
        priority: For finding it again.
        terms: What it is found by; see `tasks.search_terms`.
        trace: The `traceparent` of its acceptance; blank where nothing is traced.
    """

    id: str
    digest: str
    channel: Channel
    lane: Lane
    content: str
    recipients: int
    age_limit_ms: int
    key: str = ""
    not_before_ms: int = 0
    expires_ms: int = 0
    unknown_tokens: tuple[str, ...] = ()
    kind: NotificationKind = ""
    begins_with: dict[str, Any] | None = None
    priority: Priority = "normal"
    terms: tuple[str, ...] = ()
    trace: str = ""

    def __repr__(self) -> str:
        return f"Entry(id={self.id!r}, channel={self.channel!r}, lane={self.lane!r}, ...)"


class Accepted(msgspec.Struct, frozen=True, gc=False):
    """The answer to an acceptance.

    Attributes:
        status: `accepted` now, `same` as an earlier one, `conflict` with an earlier one of other content,
            `expired` before it came, or `moved` where the options are newer than those it was made by.
        id: Of this notification, or of the earlier one that answers for it.
        number: The installation's running number, which people search by; 0 where nothing was recorded.
        state: The state of the record.
    """

    status: Literal["accepted", "same", "conflict", "expired", "moved"]
    id: str
    number: int
    state: State


@dataclass(frozen=True, slots=True)
class NotClaimed:
    """Why a claim was not given: the state that forbids it, or `unknown` where no record exists."""

    state: State | Literal["unknown"]


def new_token() -> str:
    """Random, so that no paused worker can ever guess or repeat a later claim's."""
    return secrets.token_hex(12)


@dataclass(frozen=True, slots=True)
class Claim:
    """One worker's exclusive right to try a notification once, and everything needed for that.

    Attributes:
        token: Proves the right; a stale one moves nothing.
        at_ms: Redis' time of the claim.
        outcomes: A letter for each recipient: o open, d delivered, r refused, u uncertain and to be sent once
            more, x uncertain for good.
        passes: Passes made before this one.
        lapses: Leases that ran out; above 0 the notification is tried alone.
        memory: What earlier passes left for the next, as JSON.
        unsure_server: Fingerprint of the server that may have the message already, or empty.
        unsure_at_ms: Since when that is so.
        attempts: Attempts made before this pass.
        revision: Revision of the options at the time of the claim.
        kind: What it is, where nobody published it.
        trace: The `traceparent` of its acceptance; blank where that was not traced.
    """

    id: str
    token: str = field(repr=False)
    at_ms: int
    number: int
    channel: Channel
    lane: Lane
    accepted_at_ms: int
    expires_at_ms: int
    outcomes: str
    passes: int
    lapses: int
    content: str = field(repr=False)
    memory: str = field(repr=False)
    unsure_server: str
    unsure_at_ms: int
    attempts: int
    revision: int
    kind: NotificationKind = ""
    trace: str = ""


def read_claim(token: str, answer: Sequence[Any]) -> Claim | NotClaimed:
    """What `claim.lua` answered."""
    if answer[0] != "claimed":
        return NotClaimed(state=answer[0])
    return Claim(
        id=answer[18],
        token=token,
        at_ms=int(answer[1]),
        number=int(answer[2]),
        channel=answer[3],
        lane=answer[4],
        accepted_at_ms=int(answer[5]),
        expires_at_ms=int(answer[6]),
        outcomes=answer[7],
        passes=int(answer[8]),
        lapses=int(answer[9]),
        content=answer[10],
        memory=answer[11],
        unsure_server=answer[12],
        unsure_at_ms=int(answer[13]),
        attempts=int(answer[14]),
        revision=int(answer[15]),
        kind=answer[16],
        trace=answer[17],
    )


@dataclass(frozen=True, slots=True)
class Intent:
    """What is about to be sent, and what becomes of it if its end is never learned.

    Attributes:
        attempt: Number of the attempt, rising by one over the notification's whole life.
        fingerprint: Of the server.
        server: Its name.
        recipients: Places in the envelope, from 0.
        if_unanswered: `u` = send once more by the same server, `x` = uncertain for good.
        resend_after_ms: How long to wait before that one more send.
    """

    attempt: int
    fingerprint: str
    server: str
    recipients: tuple[int, ...]
    if_unanswered: Literal["u", "x"]
    resend_after_ms: int


@dataclass(slots=True)
class Results:
    """Outcomes and timeline entries that one write carries into the ledger."""

    outcomes: dict[int, str] = field(default_factory=dict)
    entries: list[dict[str, Any]] = field(default_factory=list, repr=False)

    def arguments(self) -> list[str | int]:
        """The results as the scripts read them."""
        servers = dict.fromkeys(entry["server"] for entry in self.entries if entry.get("server"))
        arguments: list[str | int] = [f",{','.join(servers)}," if servers else "", len(self.outcomes)]
        for index, letter in self.outcomes.items():
            arguments += [index, letter]
        arguments.append(len(self.entries))
        arguments += [msgspec.json.encode(entry).decode() for entry in self.entries]
        return arguments


#: What a replay came to: done, no dead letter, or one that may only go where somebody says so.
Replayed = Literal["replayed", "refused", "expired", "uncertain", "unknown"]


@dataclass(frozen=True, slots=True)
class Replay:
    """One notification to be replayed.

    Attributes:
        id: Which.
        age_limit_ms: How long it may be tried, from its turn on.
        delay_seconds: How long until its turn.
        token: The same for a repeated call, which then changes nothing.
    """

    id: str
    age_limit_ms: int
    delay_seconds: float = 0.0
    token: str = field(default_factory=new_token, repr=False)


@dataclass(frozen=True, slots=True)
class Sweep:
    """What a look at one lane of the due-set found.

    Attributes:
        ring: Ids to enqueue, each with the number of passes made.
        ended: Ids that became final meanwhile, each with its state.
        suspects: Those to enqueue whose worker died before; each is to be tried by itself.
        called: Those to enqueue before all others.
    """

    ring: tuple[tuple[str, int], ...]
    ended: tuple[tuple[str, State], ...]
    suspects: frozenset[str] = frozenset()
    called: frozenset[str] = frozenset()
