"""The turn of one notification: its claim, and what is known of the servers as of that moment."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from tasks.breaker import Breaker, Permission
from tasks.ledger import Claim, Ledger, NotClaimed
from tasks.ledger.records import new_token
from tasks.redis_question import Question


class Turn:
    """Claims one notification, by itself or in the round trip that finishes the one before.

    Args:
        notification_id: Which.
        ledger: Gives the claim.
        breaker: Asked about the servers in the same round trip.
        fingerprints: Of the servers that it is likely to go by; a wrong guess costs a round trip.
        worker: Who claims.
    """

    def __init__(
        self,
        notification_id: str,
        ledger: Ledger,
        breaker: Breaker,
        *,
        fingerprints: Iterable[str],
        worker: str,
    ) -> None:
        self.id = notification_id
        self._ledger = ledger
        self._worker = worker
        self._token = new_token()
        asked = tuple(fingerprints)
        self._allowing = breaker.asking(asked) if asked else None
        self._claiming = ledger.claiming(notification_id, worker=worker, token=self._token)

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


#: Says whose turn is next; None where nobody's is, or not now.
Following = Callable[[], Turn | None]


def nobody() -> None:
    """What follows a pass that was not made among others."""
