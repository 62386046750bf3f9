"""A ledger in which a test tells what became of notifications."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import redis

from settings_store.snapshot import Snapshot
from tasks.entries import checked, entry_of
from tasks.ledger import Claim, Intent, Ledger, LedgerQueries, Results
from tasks.ledger.queries import Record
from tests.rigs.clock import TEST_CLOCK, LedgerClock

PRIMARY_RULE = "e-mail goes to Primary Email first"
SECONDARY_RULE = "Secondary Email is tried where Primary Email failed"


class ToldLedger:
    """Writes records by the real scripts; entries have the form that a delivery gives them.

    Args:
        client: The Redis.
        live: Go by the clock of Redis, for what other programs accepted; else by one that stands still.
    """

    def __init__(self, client: redis.Redis, *, live: bool = False) -> None:
        self.clock = LedgerClock(client)
        self.ledger = Ledger(client) if live else Ledger(client, clock=TEST_CLOCK)
        self.queries = LedgerQueries(client)

    def accept(self, document: Mapping[str, object]) -> str:
        """Accept a notification; its id."""
        answer = self.ledger.accept(entry_of(checked(document), Snapshot()), ring=True)
        assert answer.status == "accepted"
        return answer.id

    def claim(self, notification_id: str) -> Claim:
        """Take it for one pass."""
        claim = self.ledger.claim(notification_id, worker="w1")
        assert isinstance(claim, Claim)
        return claim

    def intend(self, claim: Claim, *indexes: int) -> None:
        """Let the body go out to some recipients, whose end is then open."""
        intent = Intent(1, "f1", "primary_email", indexes, "u", 60_000)
        assert self.ledger.intend(claim, intent, revision=0) == "granted"

    def entry(self, server: str, verdict: str, **values: Any) -> dict[str, Any]:
        """An attempt as a delivery writes it."""
        rules = {"primary_email": PRIMARY_RULE, "secondary_email": SECONDARY_RULE}
        entry = {
            "at": self.clock.now_ms,
            "pass": 1,
            "server": server,
            "rule": rules.get(server, "Primary SMS is set"),
            "stage": "final",
            "verdict": verdict,
            "reason": None,
            "code": None,
            "enhanced": None,
            "text": None,
            "indexes": [0],
            "revision": 17,
            "seconds": 0.25,
        }
        return {**entry, **values}

    def finish(
        self,
        claim: Claim,
        outcomes: Mapping[int, str],
        entries: list[dict[str, Any]],
        *,
        then: Literal["waiting", "queued", "held", "failed"] = "waiting",
        reason: str = "",
        wait_seconds: float = 0.0,
    ) -> None:
        """End the pass."""
        status, _ = self.ledger.finish(
            claim,
            then=then,
            results=Results(outcomes=dict(outcomes), entries=entries),
            reason=reason,
            delay_seconds=wait_seconds,
        )
        assert status == "finished"

    def record(self, notification_id: str) -> Record:
        """What the ledger knows of it."""
        record = self.queries.get(notification_id)
        assert record is not None
        return record
