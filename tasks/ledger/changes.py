"""What changes in the ledger, as a stream that any number of watchers read from their own places."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import redis

from tasks.ledger.records import State

#: So many changes are read at once.
_READ: Final = 500


@dataclass(frozen=True, slots=True)
class Change:
    """A record came to a state, or an attempt or a 250 was noted while it stayed in it.

    Attributes:
        number: Which.
        state: Its state then; by now it may be another.
        at_ms: When, by Redis' own clock.
    """

    number: int
    state: State
    at_ms: int


class Changes:
    """A place in the stream, from which a watcher reads on. For one thread.

    The stream keeps about the last 10,000 changes, so a watcher that loses its connection for a moment misses
    nothing. Each call raises `redis.RedisError` where Redis does not answer; the place stays.
    """

    def __init__(self, client: redis.Redis, *, prefix: str = "notify") -> None:
        """Begin with the next change."""
        self._redis = client
        self._key = f"{prefix}:changes"
        newest: Any = client.xrevrange(self._key, count=1)
        self._place: str = newest[0][0] if newest else "0-0"

    def read(self, *, wait_seconds: float) -> list[Change]:
        """The changes since the last call; waits for one, for so long at most."""
        answer: Any = self._redis.xread({self._key: self._place}, count=_READ, block=int(wait_seconds * 1000))
        if not answer:
            return []
        # Protocol 3 answers with a map of lists of pages, protocol 2 with a list of pairs.
        entries = next(iter(answer.values()))[0] if isinstance(answer, dict) else answer[0][1]
        self._place = entries[-1][0]
        return [
            Change(int(values["number"]), values["state"], int(place.partition("-")[0]))
            for place, values in entries
        ]

    def missed_any(self) -> bool:
        """Whether the stream went on past this place by more than it keeps."""
        oldest: Any = self._redis.xrange(self._key, count=1)
        return bool(oldest) and self._place != "0-0" and _order(oldest[0][0]) > _order(self._place)


def _order(place: str) -> tuple[int, int]:
    milliseconds, _, number = place.partition("-")
    return int(milliseconds), int(number)
