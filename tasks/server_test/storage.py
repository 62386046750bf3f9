"""Where tests of servers lie in Redis: as every test, and the last one of each server for good.

`<prefix>:server_tests:last` is a hash by server.
"""

from __future__ import annotations

import contextlib
from typing import Any, Final

import msgspec
import redis

from tasks.live_test import storage
from tasks.server import ServerName
from tasks.server_test.report import LastTest, TestReport

FAMILY: Final = "server_test"


class Storage(storage.Storage[TestReport]):
    """Raises `redis.RedisError` where Redis does not answer."""

    def __init__(self, client: redis.Redis, prefix: str) -> None:
        super().__init__(client, prefix, family=FAMILY, kind=TestReport)
        self._last_key = f"{prefix}:server_tests:last"

    def write_last(self, server: ServerName, last: LastTest) -> None:
        """Keep a server's last test."""
        self._redis.hset(self._last_key, server, msgspec.json.encode(last).decode())

    def read_last(self) -> dict[str, LastTest]:
        """The last test of each server that was ever tested; one that another version wrote is left out."""
        kept: Any = self._redis.hgetall(self._last_key)
        last = {}
        for server, text in kept.items():
            with contextlib.suppress(msgspec.DecodeError):
                last[server] = msgspec.json.decode(text, type=LastTest)
        return last
