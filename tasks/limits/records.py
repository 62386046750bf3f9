"""What the limits answer."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

Limit = Literal["messages", "connections"]

_REASONS: Final[Mapping[Limit, str]] = MappingProxyType(
    {
        "messages": "our own limit of messages per minute",
        "connections": "our own limit of connections at once",
    }
)


class LimitsChanged(Exception):
    """The options are newer than those that a question went by; nothing was taken."""


@dataclass(frozen=True, slots=True)
class Slot:
    """The right to one connection, for as long as its lease is renewed.

    Attributes:
        account: Whose connections are counted.
        holder: Names the connection; from `new_holder`.
        worker: The process that has it.
    """

    account: str
    holder: str
    worker: str


@dataclass(frozen=True, slots=True)
class Granted:
    """The message may go now.

    Attributes:
        slot: Of the connection, which the caller has or may open now; None where connections have no limit.
        must_yield: Whether the connection is closed after this message, because another worker waits for one.
    """

    slot: Slot | None = None
    must_yield: bool = False


@dataclass(frozen=True, slots=True)
class Wait:
    """The message must wait, which is no failure and spends no try.

    Attributes:
        limit: Which limit is reached. A time of `messages` is reserved for this message; a time of
            `connections` is when it is worth asking again.
        at_ms: When, in Redis' Unix milliseconds.
        wait_seconds: The same from now.
    """

    limit: Limit
    at_ms: int
    wait_seconds: float

    @property
    def reason(self) -> str:
        """Why, in words for the operator."""
        return _REASONS[self.limit]


@dataclass(frozen=True, slots=True)
class Renewed:
    """What became of the slots of a process.

    Attributes:
        lost: Somebody else may have these by now: their connections are closed as soon as they can be.
        yielding: Others wait for these: their connections are closed when they are idle.
        wanted: Others have use for these: one whose connection idles now is closed.
    """

    lost: frozenset[Slot] = frozenset()
    yielding: frozenset[Slot] = frozenset()
    wanted: frozenset[Slot] = frozenset()


def new_holder() -> str:
    """The name of a connection that is about to be opened."""
    return secrets.token_hex(8)
