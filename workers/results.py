"""Keeps answers for whoever asked for one, and never lets a task fail over an answer that cannot be kept.

Celery's own backend raises where Redis refuses to keep an answer, after the task is done and outside of it:
the message is then neither acknowledged nor given back, and its slot is taken for good. A Redis at its
`maxmemory` would leave a worker deaf after as many submissions as it has slots.
"""

from __future__ import annotations

from typing import Any

import redis
from celery.backends.redis import RedisBackend
from celery.exceptions import BackendStoreError

from settings_store.logs import EventLog
from tasks.task_id import fit_for_logs

_log = EventLog(__name__)


class BestEffortResults(RedisBackend):
    """Celery's backend in Redis, but an answer that cannot be kept is a line in the log."""

    def store_result(self, task_id: str, result: Any, *more: Any, **options: Any) -> Any:
        """Keep an answer, if that can be; whoever waits for one that is not kept waits in vain."""
        try:
            return super().store_result(task_id, result, *more, **options)
        except (redis.RedisError, BackendStoreError) as error:
            _log.warning("answer_not_kept", task=fit_for_logs(task_id), error=type(error).__name__)
            return result


def backend_url(redis_url: str) -> str | None:
    """What Celery is to be told; None where it has no backend for such an address."""
    if not redis_url.startswith("redis"):
        return None
    return f"{BestEffortResults.__module__}:{BestEffortResults.__qualname__}+{redis_url}"
