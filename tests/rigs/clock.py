"""A clock for the ledger's scripts that stands still until a test moves it."""

from __future__ import annotations

import redis

START_MS = 1_800_000_000_000

TEST_CLOCK = """
local function now_ms() return tonumber(redis.call('GET', prefix .. ':test-clock')) end
"""


class LedgerClock:
    """Time as the ledger sees it, in Unix milliseconds."""

    def __init__(self, client: redis.Redis, prefix: str = "notify") -> None:
        self._redis = client
        self._key = f"{prefix}:test-clock"
        self.now_ms = START_MS
        client.set(self._key, self.now_ms)

    def advance(self, seconds: float) -> None:
        """Let time pass; a negative number sets the clock back."""
        self.now_ms += int(seconds * 1000)
        self._redis.set(self._key, self.now_ms)
