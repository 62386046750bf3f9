"""How every process of ours speaks to the Redis that holds options and ledger."""

from __future__ import annotations

from typing import Any

import redis
from redis.backoff import ExponentialWithJitterBackoff

from settings_store.flat_retry import FlatRetry
from settings_store.sentinel import is_sentinel, parse

CONNECT_TIMEOUT_SECONDS = 5.0
#: Longer than any script of ours takes, shorter than a person waits.
REPLY_TIMEOUT_SECONDS = 10.0
#: A lost reply is asked again: every script of ours is idempotent, so a repeat changes nothing.
RETRIES = 3
RETRY_CAP_SECONDS = 2.0
#: Behind Sentinels, a machine that is gone is not waited for: another takes its place.
PRIMARY_CONNECT_TIMEOUT_SECONDS = 2.0


def connect(url: str, *, retries: int = RETRIES, max_connections: int = 64) -> redis.Redis:
    """A client whose calls end within a bounded time: an answer, or `redis.RedisError`.

    It opens no connection before the first call, so it may be made before a fork.

    Args:
        url: `redis://`, `rediss://`, or that of Sentinels (see `sentinel`).
        retries: How often a call is repeated after a lost connection or reply.
        max_connections: How many sockets the pool may hold; more callers than that get an error.
    """
    options: dict[str, Any] = {
        "decode_responses": True,
        "socket_connect_timeout": CONNECT_TIMEOUT_SECONDS,
        "socket_timeout": REPLY_TIMEOUT_SECONDS,
        "socket_keepalive": True,
        "health_check_interval": 30,
        "max_connections": max_connections,
        "retry": FlatRetry(
            ExponentialWithJitterBackoff(base=0.1, cap=RETRY_CAP_SECONDS),
            retries,
            supported_errors=(redis.ConnectionError, redis.TimeoutError),
        ),
    }
    if is_sentinel(url):
        # A connection that is lost is made anew, with the primary of then, before the call is repeated.
        return parse(url).primary(**{**options, "socket_connect_timeout": PRIMARY_CONNECT_TIMEOUT_SECONDS})
    return redis.Redis.from_url(url, **options)
