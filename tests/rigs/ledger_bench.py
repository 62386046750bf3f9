"""A ledger on a clock that stands still."""

from __future__ import annotations

from typing import Literal

import redis

from tasks.ledger import Claim, Entry, Intent, Ledger, LedgerQueries, Results
from tasks.ledger.queries import Record
from tests.rigs.clock import TEST_CLOCK, LedgerClock

MINUTE_MS = 60_000


class Bench:
    """A ledger on a clock that stands still."""

    def __init__(self, client: redis.Redis) -> None:
        self.redis = client
        self.clock = LedgerClock(client)
        self.ledger = Ledger(client, clock=TEST_CLOCK)
        self.queries = LedgerQueries(client)

    def accept(self, notification_id: str = "n1", **changes: object) -> Entry:
        values: dict[str, object] = {
            "id": notification_id,
            "digest": f"digest of {notification_id}",
            "channel": "email",
            "lane": "normal",
            "content": '{"version":1}',
            "recipients": 2,
            "age_limit_ms": 24 * 60 * MINUTE_MS,
        }
        entry = Entry(**{**values, **changes})  # type: ignore[arg-type]
        assert self.ledger.accept(entry, ring=True).status == "accepted"
        return entry

    def claim(self, notification_id: str = "n1") -> Claim:
        claim = self.ledger.claim(notification_id, worker="w1")
        assert isinstance(claim, Claim)
        return claim

    def intend(
        self, claim: Claim, *recipients: int, letter: Literal["u", "x"] = "u", revision: int = 0
    ) -> str:
        intent = Intent(claim.attempts + 1, "f1", "primary_email", recipients, letter, MINUTE_MS)
        return self.ledger.intend(claim, intent, revision=revision)

    def show(self, notification_id: str = "n1") -> Record:
        record = self.queries.get(notification_id)
        assert record is not None
        return record

    def due(self, notification_id: str = "n1", lane: str = "normal") -> float | None:
        return self.queries.due_scores()[lane].get(notification_id)

    def finish(self, claim: Claim, outcomes: dict[int, str], **changes: object) -> str:
        values: dict[str, object] = {"then": "waiting", "reason": "because", "delay_seconds": 15.0}
        values.update(changes)
        results = Results(outcomes=outcomes, entries=[{"verdict": "tried"}])
        status, _ = self.ledger.finish(claim, results=results, **values)  # type: ignore[arg-type]
        return status
