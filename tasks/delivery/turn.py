"""The turn of one notification: its claim, and what is known of the servers as of that moment."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any

from tasks.breaker import Breaker, Permission
from tasks.lanes import Lane
from tasks.ledger import Claim, Ledger, NotClaimed
from tasks.ledger.records import new_token
from tasks.redis_question import Question


class Turn:
    """Claims one notification, by itself or in the round trip that finishes the one before.

    Args:
        notification_id: Which; blank for the first of those that wait for a connection.
        ledger: Gives the claim.
        breaker: Asked about the servers in the same round trip.
        fingerprints: Of the servers that it is likely to go by; a wrong guess costs a round trip.
        worker: Who claims.
        line: Where those wait.
        lanes: Those of them that may be claimed.
    """

    def __init__(
        self,
        notification_id: str,
        ledger: Ledger,
        breaker: Breaker,
        *,
        fingerprints: Iterable[str],
        worker: str,
        line: str = "",
        lanes: Collection[str] = (),
    ) -> None:
        self._id = notification_id
        self._ledger = ledger
        self._worker = worker
        self._token = new_token()
        asked = tuple(fingerprints)
        self._allowing = breaker.asking(asked) if asked else None
        self._claiming = (
            ledger.claiming_first(line, lanes, worker=worker, token=self._token)
            if line
            else ledger.claiming(notification_id, worker=worker, token=self._token)
        )

    @property
    def id(self) -> str:
        """Which; blank where nobody is known to wait."""
        claim = self._claiming.answer
        return claim.id if isinstance(claim, Claim) else self._id

    @property
    def passes(self) -> int:
        """How many were made of it before, as far as it is known."""
        claim = self._claiming.answer
        return claim.passes if isinstance(claim, Claim) else 0

    @property
    def is_nobodys(self) -> bool:
        """Whether nobody is known whose turn it would be: nobody waits, or it is not known whether."""
        return not self.id

    @property
    def has_come(self) -> bool:
        """Whether the ledger gave or refused the claim."""
        return self._claiming.answer is not None

    def questions(self) -> tuple[Question[Any], ...]:
        """What is to be asked beside the end of the turn before; asked again it gives the same claim."""
        return (self._claiming, *self._besides())

    def take(self) -> Claim | NotClaimed:
        """The claim, asked for now unless it came before.

        Raises:
            redis.RedisError: The ledger did not answer.
        """
        if self._claiming.answer is not None:
            return self._claiming.answer
        return self._ledger.claim(self.id, worker=self._worker, token=self._token, beside=self._besides())

    def permissions(self) -> dict[str, Permission]:
        """What the breaker said at the time of the claim; empty where it was not asked."""
        return (self._allowing and self._allowing.answer) or {}

    def _besides(self) -> tuple[Question[Any], ...]:
        return (self._allowing,) if self._allowing else ()


@dataclass(frozen=True, slots=True)
class Freed:
    """A connection that a pass had, and that is free for another.

    Attributes:
        line: Where others wait for it.
        lane: Of the pass that had it.
    """

    line: str
    lane: Lane


#: Says whose turn is next, given the connection that is free; None where it is nobody's, or not now.
Following = Callable[[Freed | None], Turn | None]


def nobody(_freed: Freed | None) -> None:
    """What follows a pass that was not made among others."""
