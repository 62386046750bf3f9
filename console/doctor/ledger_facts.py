"""Looks at the notifications: indexes, and the recipients' domains of the last few."""

from __future__ import annotations

import json
from collections import Counter
from typing import Final

from console.doctor.facts import LedgerFacts
from tasks.carrier_gateways import ENDED, domain_of
from tasks.ledger import LedgerQueries, State

DEAD: Final[tuple[State, ...]] = ("failed", "expired", "uncertain", "partial")
LATELY_MS: Final = 24 * 3600 * 1000
#: Of the last so many notifications the recipients' domains are looked at.
LOOK_AT: Final = 100


def ledger_facts(queries: LedgerQueries, now_ms: int) -> LedgerFacts:
    """How the notifications do.

    Raises:
        redis.RedisError: Redis does not answer.
    """
    overdue, oldest_due_ms = queries.overdue(now_ms)
    dead = {state: queries.page([state], since_ms=now_ms - LATELY_MS, limit=1).total for state in DEAD}
    return LedgerFacts(
        held=queries.counts()["held"],
        overdue=overdue,
        oldest_due_ms=oldest_due_ms,
        dead_lately={state: count for state, count in dead.items() if count},
        gateways=_gateways(queries),
    )


def _gateways(queries: LedgerQueries) -> dict[str, int]:
    found: Counter[str] = Counter()
    for summary in queries.page(limit=LOOK_AT).summaries:
        record = queries.get(summary.id)
        if record is not None:
            recipients = json.loads(record.content).get("to", [])
            found.update({domain_of(str(each)) for each in recipients} & set(ENDED))
    return dict(found)
