"""The workers that are alive: what each says of itself every few seconds, and who says nothing any more.

`<prefix>:worker:<name>` is a worker's last word, which vanishes soon after it. `<prefix>:workers` is the
index of names, by when each was last heard of, in Redis' milliseconds.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

import msgspec
import redis

from tasks.lanes import LANES

#: A worker that said nothing for so long is gone.
LIFETIME_SECONDS: Final = 15
#: A worker that is gone is still shown as such for so long.
REMEMBERED_SECONDS: Final = 86_400
_SECOND_MS: Final = 1000
#: It forgets first: Redis then refuses none of the other writes for memory, and who lives is known to live.
_BEAT: Final = """
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', ARGV[5])
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
redis.call('ZADD', KEYS[2], ARGV[4], ARGV[3])
return 1
"""


class WorkerLife(msgspec.Struct, frozen=True):
    """What a worker says of itself; what an older version of it does not say has its default.

    Attributes:
        revision: Of the options that it uses.
        received: Tasks received since it started.
        busy: Tasks that run now.
        slots: Tasks that can run at once.
        connections_kept: Connections to servers that it keeps open and does not use.
        lanes: The lanes whose queues it serves.
        keys: Ids of the keys that it can open secrets with; None where it has no key file.
        clock_ahead_ms: How far its host's clock is ahead of Redis' clock.
        unfit: Why it takes no work, in words without any value; blank where it does.
    """

    revision: int = 0
    received: int = 0
    busy: int = 0
    slots: int = 0
    connections_kept: int = 0
    lanes: tuple[str, ...] = ()
    keys: tuple[str, ...] | None = None
    clock_ahead_ms: int = 0
    unfit: str = ""

    @property
    def serves(self) -> tuple[str, ...]:
        """The lanes that it takes work from; an older worker does not tell its lanes, and serves all."""
        return () if self.unfit else self.lanes or LANES


class FleetMember(msgspec.Struct, frozen=True):
    """A worker as others see it.

    Attributes:
        name: The worker's name in Celery.
        heard_ms: When it was last heard of, in Redis' milliseconds.
        life: Its last word; None where it is gone.
    """

    name: str
    heard_ms: int
    life: WorkerLife | None


class Fleet:
    """Reads and writes signs of life. Every method raises `redis.RedisError` where Redis does not answer.

    Args:
        client: From `settings_store.redis_client.connect`.
        prefix: First part of every key.
    """

    def __init__(self, client: redis.Redis, *, prefix: str = "notify") -> None:
        self._redis = client
        self._prefix = prefix
        self._index = f"{prefix}:workers"
        self._beat = client.register_script(_BEAT)

    def beat(self, name: str, life: WorkerLife, *, at_ms: int) -> None:
        """Write a worker's sign of life.

        Args:
            name: The worker's.
            life: What it says.
            at_ms: Redis' time, from `redis_clock`.
        """
        self._beat(
            keys=[self._key(name), self._index],
            args=[
                msgspec.json.encode(life),
                LIFETIME_SECONDS,
                name,
                at_ms,
                at_ms - REMEMBERED_SECONDS * _SECOND_MS,
            ],
        )

    def leave(self, name: str) -> None:
        """Take a worker's name away that stops in order; one that is missed otherwise died."""
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.delete(self._key(name))
        pipeline.zrem(self._index, name)
        pipeline.execute()

    def members(self) -> list[FleetMember]:
        """Every worker that lives or was heard of within a day, by name."""
        index: Any = self._redis.zrange(self._index, 0, -1, withscores=True)
        if not index:
            return []
        words = self._redis.mget([self._key(name) for name, _ in index])
        return sorted(
            (
                FleetMember(name, int(heard), _read(word))
                for (name, heard), word in zip(index, words, strict=True)
            ),
            key=lambda member: member.name,
        )

    def alive(self) -> list[FleetMember]:
        """Those that live."""
        return [member for member in self.members() if member.life is not None]

    def is_alive(self, name: str) -> bool:
        """Whether one lives."""
        return bool(self._redis.exists(self._key(name)))

    def _key(self, name: str) -> str:
        return f"{self._prefix}:worker:{name}"


def redis_clock(client: redis.Redis, *, clock: Callable[[], float] = time.time) -> tuple[int, int]:
    """Redis' time, and how far a local clock is ahead of it; both in milliseconds.

    The difference is known to within half a round trip.

    Args:
        client: A client.
        clock: The local clock, in Unix seconds.
    """
    before = clock()
    answer: Any = client.time()
    middle_ms = (before + clock()) / 2 * _SECOND_MS
    at_ms = int(answer[0]) * _SECOND_MS + int(answer[1]) // _SECOND_MS
    return at_ms, round(middle_ms - at_ms)


def _read(word: Any) -> WorkerLife | None:
    try:
        return None if word is None else msgspec.json.decode(word, type=WorkerLife)
    except msgspec.DecodeError:
        # It lives, and speaks in the words of another version.
        return WorkerLife()
