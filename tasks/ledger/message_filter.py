"""Which notifications are asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from tasks.ledger.records import Priority, State
from tasks.search_terms import SearchTerm, term
from tasks.server import Channel

_TERMS: Final[tuple[SearchTerm, ...]] = ("job", "schedule", "machine", "recipient")


@dataclass(frozen=True, slots=True)
class MessageFilter:
    """Everything that is given must hold; what is None or empty holds for all.

    Attributes:
        states: One of these.
        channel: E-mail or text.
        priority: As the notification asked for it.
        server: It was tried by this server at least once.
        perhaps_twice: Delivered to somebody who may have had it before.
        job: Name of the job, whatever its case and blanks.
        schedule: Name of the schedule, likewise.
        machine: Name of the machine, likewise.
        recipient: An address in to, cc or bcc, whatever its case.
        since_ms: Accepted at this time or later, in Unix milliseconds.
        until_ms: Accepted at this time or earlier.
    """

    states: frozenset[State] = frozenset()
    channel: Channel | None = None
    priority: Priority | None = None
    server: str | None = None
    perhaps_twice: bool = False
    job: str | None = None
    schedule: str | None = None
    machine: str | None = None
    recipient: str | None = field(default=None, repr=False)
    since_ms: int | None = None
    until_ms: int | None = None

    @property
    def terms(self) -> tuple[str, ...]:
        """The terms that it must have in the index."""
        return tuple(term(name, value) for name in _TERMS if (value := getattr(self, name)) is not None)

    @property
    def is_empty(self) -> bool:
        """Whether it holds for every notification."""
        return self == MessageFilter()
