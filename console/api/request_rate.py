"""How often a token may ask: counted in Redis by the minute, over all consoles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import redis

from console.serving.fault import Fault, Refusal

_MINUTE_SECONDS: Final = 60
#: Longer than the minute that is counted, so that a count never ends within it.
_KEPT_SECONDS: Final = 2 * _MINUTE_SECONDS
#: The first write is never refused for memory: a full Redis must let programs look too.
_COUNT: Final = """
redis.call('DEL', KEYS[1] .. ':-')
local count = redis.call('INCR', KEYS[1])
redis.call('EXPIRE', KEYS[1], ARGV[1])
return count
"""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a token may still ask in this minute."""

    limit: int
    remaining: int
    reset_seconds: int

    @property
    def headers(self) -> dict[str, str]:
        """As programs read it (draft-ietf-httpapi-ratelimit-headers, in its widespread form)."""
        return {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.reset_seconds),
        }


class RequestRate:
    """Counts requests. Raises `redis.RedisError` where Redis does not answer."""

    def __init__(self, client: redis.Redis, prefix: str) -> None:
        self._redis = client
        self._prefix = prefix
        self._count: Any = client.register_script(_COUNT)

    def take(self, token_id: str, limit: int) -> Allowance:
        """Count a request.

        Raises:
            Refusal: It is one too many in this minute.
        """
        seconds = int(self._redis.time()[0])
        minute, spent = divmod(seconds, _MINUTE_SECONDS)
        key = f"{self._prefix}:api:requests:{token_id}:{minute}"
        count = int(self._count(keys=[key], args=[_KEPT_SECONDS]))
        reset_seconds = _MINUTE_SECONDS - spent
        if count > limit:
            raise Refusal(
                Fault(
                    429,
                    "too-many-requests",
                    "Too many requests",
                    f"this token may make {limit:,} requests a minute",
                    "send many notifications in one batch, or raise the option console.requests_per_minute",
                    retry_after_seconds=reset_seconds,
                )
            )
        return Allowance(limit, limit - count, reset_seconds)
