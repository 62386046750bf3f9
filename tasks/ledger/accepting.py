"""What `accept.lua` is given and answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import msgspec
import redis

from tasks.ledger.records import Accepted, Entry

#: Above this share of `maxmemory` nothing is accepted, so that what was accepted can be finished.
ACCEPT_MEMORY_SHARE: Final = 0.85
FULL: Final = (
    f"Redis uses more than {ACCEPT_MEMORY_SHARE:.0%} of its maxmemory, so nothing more is accepted: "
    "raise maxmemory, or lower the history days"
)


class LedgerUnavailable(Exception):
    """The ledger cannot accept now; nothing was recorded. The message says why and what to do."""


class Bell(NamedTuple):
    """What tells a worker of a notification, as it stands in the queue.

    Attributes:
        queue: The key of the queue.
        message: The message.
    """

    queue: str
    message: str


NO_BELL: Final = Bell("", "")


def accept_arguments(entry: Entry, *, ring: bool, ring_again_ms: int) -> tuple[str | int, ...]:
    """An entry as the script takes it."""
    return (
        entry.id,
        entry.digest,
        entry.key,
        entry.channel,
        entry.lane,
        entry.content,
        entry.recipients,
        entry.not_before_ms,
        entry.expires_ms,
        entry.age_limit_ms,
        ring_again_ms,
        int(ring),
        "no value for " + ", ".join(f"[[{name}]]" for name in names)
        if (names := entry.unknown_tokens)
        else "",
        entry.kind,
        msgspec.json.encode(entry.begins_with).decode() if entry.begins_with else "",
        entry.priority,
        "".join(entry.terms),
    )


def read_accepted(answers: Sequence[Any]) -> list[Accepted]:
    """What became of each.

    Raises:
        LedgerUnavailable: Redis is out of memory.
        redis.RedisError: It refused one for another reason.
    """
    accepted = []
    for answer in answers:
        if isinstance(answer, redis.exceptions.OutOfMemoryError):
            raise LedgerUnavailable(FULL) from None
        if isinstance(answer, Exception):
            raise answer
        status, entry_id, number, state = answer
        accepted.append(Accepted(status=status, id=entry_id, number=number, state=state))
    return accepted
