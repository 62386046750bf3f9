"""Keeps answers for whoever asked for one, and never lets a task fail over an answer that cannot be kept.

Celery's own backend raises where Redis refuses to keep an answer, after the task is done and outside of it:
the message is then neither acknowledged nor given back, and its slot is taken for good. A Redis at its
`maxmemory` would leave a worker deaf after as many submissions as it has slots.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import redis
from celery.backends.redis import RedisBackend, SentinelBackend
from celery.exceptions import BackendStoreError

from settings_store.logs import EventLog
from settings_store.sentinel import is_sentinel, parse
from tasks.task_id import fit_for_logs

_log = EventLog(__name__)


class _BestEffort:
    """What both have in common."""

    def store_result(self, task_id: str, result: Any, *more: Any, **options: Any) -> Any:
        """Keep an answer, if that can be; whoever waits for one that is not kept waits in vain."""
        try:
            return super().store_result(task_id, result, *more, **options)  # type: ignore[misc]
        except (redis.RedisError, BackendStoreError) as error:
            _log.warning("answer_not_kept", task=fit_for_logs(task_id), error=type(error).__name__)
            return result


class BestEffortResults(_BestEffort, RedisBackend):
    """Celery's backend in Redis, but an answer that cannot be kept is a line in the log."""


class BestEffortSentinelResults(_BestEffort, SentinelBackend):
    """The same behind Sentinels."""


def backend_url(redis_url: str) -> str | None:
    """What Celery is to be told; None where it has no backend for such an address."""
    if is_sentinel(redis_url):
        kind: type = BestEffortSentinelResults
        redis_url = replace(parse(redis_url), tls=()).kombu_url()
    elif redis_url.startswith("redis"):
        kind = BestEffortResults
    else:
        return None
    return f"{kind.__module__}:{kind.__qualname__}+{redis_url}"


def backend_options(redis_url: str) -> dict[str, Any]:
    """What Celery is to be told besides, where Sentinels name the primary."""
    return parse(redis_url).kombu_options() if is_sentinel(redis_url) else {}


def backend_tls(redis_url: str) -> dict[str, Any] | None:
    """The same of TLS, which Celery reads in no address of Sentinels; None where the address says it all."""
    if not is_sentinel(redis_url):
        return None
    return dict(parse(redis_url).tls) or None
