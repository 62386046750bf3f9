"""Whether Redis has the memory for more."""

from __future__ import annotations

import time
from typing import Final

import redis

from tasks.ledger.accepting import ACCEPT_MEMORY_SHARE, FULL, LedgerUnavailable

_LOOK_EVERY_SECONDS: Final = 1.0


class MemoryWatch:
    """Looks at the memory of a Redis, once a second at the most; safe between threads."""

    def __init__(self, client: redis.Redis) -> None:
        self._redis = client
        self._looked = -_LOOK_EVERY_SECONDS
        self._share = 0.0

    def refuse_when_nearly_full(self) -> None:
        """Go on only where something more can be accepted.

        Raises:
            LedgerUnavailable: Redis is nearly out of memory.
            redis.RedisError: Redis did not answer.
        """
        now = time.monotonic()
        if now - self._looked >= _LOOK_EVERY_SECONDS:
            memory = self._redis.info("memory")
            limit = int(memory.get("maxmemory", 0))
            self._share = int(memory["used_memory"]) / limit if limit else 0.0
            self._looked = now
        if self._share >= ACCEPT_MEMORY_SHARE:
            raise LedgerUnavailable(FULL)
