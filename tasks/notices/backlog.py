"""Whether it is told that notifications wait for a worker, and that this is over: a pure function."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import msgspec

from tasks.ledger import Priority
from tasks.notices.announced import Announced
from tasks.notices.incident import Incident

SORT: Final = "backlog"
#: It is over once the oldest waits for less than this part of the limit: one at the edge is told once.
_OVER_BELOW: Final = 0.5


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits for a worker.

    Attributes:
        count: How many notifications.
        priority: That of the oldest.
        since_ms: Since when a worker could have taken that one, in Redis' milliseconds.
    """

    count: int
    priority: Priority
    since_ms: int


def next_backlog(
    announced: Announced,
    backlog: Backlog | None,
    *,
    limit_ms: int,
    now_ms: int,
    quiet_ms: int,
    new_id: Callable[[], str] = lambda: str(uuid.uuid4()),
) -> tuple[Announced, list[Incident]]:
    """What stands announced from now on, and the incident where a backlog begins or is over.

    Args:
        announced: What stands announced.
        backlog: What waits; None where nothing does.
        limit_ms: For how long the oldest may wait; 0 where nobody wants to know, which ends what was told.
        now_ms: Redis' time.
        quiet_ms: How long after such an incident no other is told.
        new_id: Makes ids.
    """
    age_ms = max(now_ms - backlog.since_ms, 0) if backlog else 0
    if announced.backlog_since_ms:
        if not limit_ms:
            return msgspec.structs.replace(announced, backlog_since_ms=0), []
        if age_ms >= limit_ms * _OVER_BELOW:
            return announced, []
        facts = {"seconds": (now_ms - announced.backlog_since_ms) / 1000}
        after = msgspec.structs.replace(announced, backlog_since_ms=0)
        return after, [Incident(new_id(), "backlog_over", now_ms, facts)]
    is_quiet = now_ms - announced.told_ms.get(SORT, now_ms - quiet_ms) < quiet_ms
    if backlog is None or not limit_ms or age_ms < limit_ms or is_quiet:
        return announced, []
    after = msgspec.structs.replace(
        announced, backlog_since_ms=backlog.since_ms, told_ms=announced.told_ms | {SORT: now_ms}
    )
    told = {"count": backlog.count, "priority": backlog.priority, "seconds": age_ms / 1000}
    return after, [Incident(new_id(), "backlog", now_ms, told)]
