"""What `accept.lua` is given and answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import msgspec

from tasks.ledger.records import Accepted, Entry

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
        ids: Of whom it tells; it is put into the queue where one of them was accepted just now.
    """

    queue: str
    message: str
    ids: tuple[str, ...]


def packed(
    entries: Sequence[Entry],
    *,
    revision_key: str,
    revision: int | None,
    ring: bool,
    ring_again_ms: int,
    bells: Sequence[Bell],
) -> bytes:
    """Entries as the script takes them: one value, as a command of a thousand costs more than its work."""
    bell_of = {entry_id: place for place, bell in enumerate(bells, 1) for entry_id in bell.ids}
    return _encoder.encode(
        (
            revision_key,
            "" if revision is None else str(revision),
            ring_again_ms,
            ring,
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


def read_accepted(entries: Sequence[Entry], answers: Sequence[Any]) -> list[Accepted]:
    """What became of each."""
    return [
        Accepted("accepted", entry.id, answer, "queued") if isinstance(answer, int) else Accepted(*answer)
        for entry, answer in zip(entries, answers, strict=True)
    ]
