"""Where drafts, reports and last tests lie in Redis.

`<prefix>:server_test:<id>:draft` waits for a worker, for a minute; `<prefix>:server_test:<id>` is the report,
for an hour; `<prefix>:server_tests:last` is a hash by server.
"""

from __future__ import annotations

import contextlib
from typing import Any, Final

import msgspec
import redis

from tasks.fleet import redis_clock
from tasks.server import ServerName
from tasks.server_test.report import LastTest, TestReport

DRAFT_LIFETIME_SECONDS: Final = 60
REPORT_LIFETIME_SECONDS: Final = 3600


class Storage:
    """Raises `redis.RedisError` where Redis does not answer."""

    def __init__(self, client: redis.Redis, prefix: str) -> None:
        self._redis = client
        self._prefix = prefix
        self._last_key = f"{prefix}:server_tests:last"

    def now_ms(self) -> int:
        """Redis' time."""
        return redis_clock(self._redis)[0]

    def put_draft(self, test_id: str, kept: str) -> None:
        """Keep a draft until a worker takes it, or its time is over."""
        self._redis.set(self._draft_key(test_id), kept, ex=DRAFT_LIFETIME_SECONDS)

    def take_draft(self, test_id: str) -> str | None:
        """Take a draft away; None where somebody did before, or it is over."""
        kept: Any = self._redis.getdel(self._draft_key(test_id))
        return None if kept is None else str(kept)

    def write(self, report: TestReport) -> None:
        """Keep a report as it stands now."""
        self._redis.set(self._key(report.id), msgspec.json.encode(report), ex=REPORT_LIFETIME_SECONDS)

    def read(self, test_id: str) -> TestReport | None:
        """A report as it was last written."""
        kept: Any = self._redis.get(self._key(test_id))
        with contextlib.suppress(msgspec.DecodeError):
            return None if kept is None else msgspec.json.decode(kept, type=TestReport)
        return None

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

    def _key(self, test_id: str) -> str:
        return f"{self._prefix}:server_test:{test_id}"

    def _draft_key(self, test_id: str) -> str:
        return f"{self._key(test_id)}:draft"
