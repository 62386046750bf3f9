"""What a publisher hears: a receipt, or why there is none.

PublishError
├── KeyConflict         the id or key stands for other content already
└── ExpiredAlready      its `expires` is past

redis.RedisError
└── PublishInterrupted  Redis went away while many were published
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import redis

from tasks.ledger import Accepted, Entry, LedgerUnavailable, State
from tasks.notification import InvalidNotification


class PublishError(Exception):
    """Base of what the door refuses for a reason outside the notification itself."""


class KeyConflict(PublishError):
    """The id or the idempotency key stands for other content already; nothing was recorded."""


class ExpiredAlready(PublishError):
    """Its `expires` is past; nothing was recorded."""


@dataclass(frozen=True, slots=True)
class Published:
    """The receipt of an accepted notification.

    Attributes:
        id: Names it everywhere.
        number: The running number, which stands first in the message.
        state: Of the record.
        again: It was accepted before, by the same id or key; nothing new was recorded.
        unknown_tokens: Names of tokens that nothing resolves; they go out as they stand. Not for logs.
        fetches_files: Whether a pass fetches files, for which there is a queue and a share of the slots.
    """

    id: str
    number: int
    state: State
    again: bool = False
    unknown_tokens: tuple[str, ...] = field(default=(), repr=False)
    fetches_files: bool = False


#: What became of one of many.
Outcome = Published | InvalidNotification | PublishError | LedgerUnavailable


class PublishInterrupted(redis.RedisError):
    """Redis went away while many were published. Documents are named by their places, from 0.

    Whoever goes on publishes those of `unknown` under the ids that are told there, which is harmless where
    they were accepted, and those of `not_sent`.

    Attributes:
        outcomes: What became of those of whom that is known; `receipts` are the accepted ones of them.
        unknown: Those that were sent and not answered for, each with the id that it was sent under.
        not_sent: Those that never left this process.
    """

    def __init__(
        self,
        outcomes: Mapping[int, Outcome],
        unknown: Mapping[int, str],
        not_sent: Sequence[int],
        *,
        why: str,
    ) -> None:
        self.outcomes = dict(sorted(outcomes.items()))
        self.unknown = unknown
        self.not_sent = not_sent
        refused = len(self.outcomes) - len(self.receipts)
        super().__init__(
            f"Redis went away while many were published ({why}): {len(self.receipts)} accepted, "
            f"{f'{refused} refused, ' if refused else ''}{len(unknown)} sent and not answered for, "
            f"{len(not_sent)} not sent"
        )

    @property
    def receipts(self) -> dict[int, Published]:
        """The receipts of those that were accepted."""
        return {place: outcome for place, outcome in self.outcomes.items() if isinstance(outcome, Published)}


def outcome_of(answer: Accepted, entry: Entry) -> Published | PublishError:
    """The receipt for the ledger's answer, or why there is none."""
    match answer.status:
        case "conflict":
            return KeyConflict(
                "id or key: stands for a notification with other content already; "
                f"allowed: the same content, or a new one (the first is {answer.id})"
            )
        case "expired":
            return ExpiredAlready("expires: is past; allowed: a time to come")
        case _:
            return Published(
                answer.id,
                answer.number,
                answer.state,
                again=answer.status == "same",
                unknown_tokens=entry.unknown_tokens,
                fetches_files=entry.lane == "files",
            )
