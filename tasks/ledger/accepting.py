"""What `accept.lua` is given and answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec
import redis

from tasks.ledger.records import Accepted, Entry
from tasks.round_trip import UnderWay

#: Above this share of `maxmemory` nothing is accepted, so that what was accepted can be finished.
ACCEPT_MEMORY_SHARE: Final = 0.85
FULL: Final = (
    f"Redis uses more than {ACCEPT_MEMORY_SHARE:.0%} of its maxmemory, so nothing more is accepted: "
    "raise maxmemory, or lower the history days"
)


_encoder: Final = msgspec.msgpack.Encoder()


class LedgerUnavailable(Exception):
    """The ledger cannot accept now; nothing was recorded. The message says why and what to do."""


class Bell(NamedTuple):
    """What tells a worker of some notifications, as it stands in the queue.

    Attributes:
        queue: The key of the queue.
        message: The message.
        ids: Of whom it tells; it is put into the queue where one of them was accepted just now, and the queue
            has room.
    """

    queue: str
    message: str
    ids: tuple[str, ...]


class Accepting:
    """Entries that were sent to be recorded, each by itself.

    Args:
        under_way: The script.
        entries: Which.
    """

    def __init__(self, under_way: UnderWay, entries: Sequence[Entry]) -> None:
        self._under_way = under_way
        self._entries = entries

    def accepted(self) -> list[Accepted]:
        """What became of each.

        Raises:
            LedgerUnavailable: Redis is nearly out of memory; nothing was recorded.
            redis.RedisError: Redis does not answer.
        """
        try:
            answers = self._under_way.answer()
        except redis.exceptions.OutOfMemoryError:
            raise LedgerUnavailable(FULL) from None
        return [
            Accepted("accepted", entry.id, answer, "queued") if isinstance(answer, int) else Accepted(*answer)
            for entry, answer in zip(self._entries, answers, strict=True)
        ]

    def abandon(self) -> None:
        """Want to know no more of it; they may be recorded all the same."""
        self._under_way.abandon()


def packed(
    entries: Sequence[Entry],
    *,
    revision_key: str,
    revision: int | None,
    ring: bool,
    ring_again_ms: int,
    bells: Sequence[Bell],
    queue_limit: int,
) -> bytes:
    """Entries as the script takes them: one value, as a command of a thousand costs more than its work."""
    bell_of = {entry_id: place for place, bell in enumerate(bells, 1) for entry_id in bell.ids}
    return _encoder.encode(
        (
            revision_key,
            "" if revision is None else str(revision),
            ring_again_ms,
            ring,
            queue_limit,
            [(bell.queue, bell.message) for bell in bells],
            [
                (
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
                    bell_of.get(entry.id, 0),
                    _remark(entry.unknown_tokens) if entry.unknown_tokens else "",
                    entry.kind,
                    msgspec.json.encode(entry.begins_with).decode() if entry.begins_with else "",
                    entry.priority,
                    "".join(entry.terms),
                    entry.trace,
                )
                for entry in entries
            ],
        )
    )


def _remark(names: Sequence[str]) -> str:
    return "no value for " + ", ".join(f"[[{name}]]" for name in names)
