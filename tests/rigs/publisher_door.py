"""A publisher, and what it wrote and rang."""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass

import redis

from settings_store.environment import Environment
from settings_store.redis_client import connect
from tasks.ledger import LedgerQueries
from tasks.publisher import (
    Publisher,
)


@dataclass
class Door:
    """A publisher and what lies behind it."""

    publisher: Publisher
    queries: LedgerQueries
    redis: redis.Redis

    def bells(self, queue: str = "notify.normal") -> int:
        """How many ids wait, some of them in one message."""
        waiting = [json.loads(str(raw)) for raw in self.redis.lrange(queue, 0, -1)]
        bodies = [json.loads(base64.b64decode(each["body"])) for each in waiting]
        return sum(1 if isinstance(ids, str) else len(ids) for (ids,), _, _ in bodies)

    def due(self, lane: str = "normal") -> dict[str, float]:
        return self.queries.due_scores()[lane]

    def now_ms(self) -> int:
        seconds, microseconds = self.redis.time()
        return int(seconds) * 1000 + int(microseconds) // 1000


@contextlib.contextmanager
def door_to(url: str, *, broker_url: str = "") -> Iterator[Door]:
    publisher = Publisher.connect(Environment(redis_url=url, broker_url=broker_url or url))
    with connect(url) as client:
        yield Door(publisher, LedgerQueries(client), client)
    publisher.close()
