"""Where drafts and reports of tests lie in Redis.

`<prefix>:<family>:<id>:draft` waits for a worker, for a minute; `<prefix>:<family>:<id>` is the report, which
is kept for an hour.
"""

from __future__ import annotations

import contextlib
from typing import Any, Final, Generic, TypeVar

import msgspec
import redis

from tasks.fleet import redis_clock
from tasks.live_test.report import LiveReport

DRAFT_LIFETIME_SECONDS: Final = 60
REPORT_LIFETIME_SECONDS: Final = 3600

Report = TypeVar("Report", bound=LiveReport)


class Storage(Generic[Report]):
    """Raises `redis.RedisError` where Redis does not answer.

    Args:
        client: From `settings_store.redis_client.connect`.
        prefix: First part of every key.
        family: Of tests; second part of every key.
        kind: Of their reports.
    """

    def __init__(self, client: redis.Redis, prefix: str, *, family: str, kind: type[Report]) -> None:
        self._redis = client
        self._root = f"{prefix}:{family}"
        self._kind = kind

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

    def write(self, report: Report) -> None:
        """Keep a report as it stands now."""
        self._redis.set(self._key(report.id), msgspec.json.encode(report), ex=REPORT_LIFETIME_SECONDS)

    def read(self, test_id: str) -> Report | None:
        """A report as it was last written."""
        kept: Any = self._redis.get(self._key(test_id))
        with contextlib.suppress(msgspec.DecodeError):
            return None if kept is None else msgspec.json.decode(kept, type=self._kind)
        return None

    def _key(self, test_id: str) -> str:
        return f"{self._root}:{test_id}"

    def _draft_key(self, test_id: str) -> str:
        return f"{self._key(test_id)}:draft"
