"""Asks the ledger until it answers."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TypeVar

import redis

from settings_store.logs import EventLog

_FIRST_PAUSE_SECONDS: Final = 0.1
_LAST_PAUSE_SECONDS: Final = 5.0
#: So long a process that is to end still asks; the lease that runs out tells what it could not.
STOPPING_PATIENCE_SECONDS: Final = 5.0

#: Answers of a Redis that will do what it is asked later: it loads, moves, or waits for a disk or a replica.
#: A password that is refused was right when this process claimed: it was changed since, and may be put back,
#: or stand anew in the file that the address is read from. To give up here makes a double of what was sent.
_PASSING: Final = (
    redis.exceptions.AuthenticationError,
    redis.exceptions.BusyLoadingError,
    redis.exceptions.ReadOnlyError,
    redis.exceptions.TryAgainError,
    redis.exceptions.ClusterDownError,
    redis.exceptions.MasterDownError,
)
_PASSING_WORDS: Final = ("MISCONF ", "BUSY ", "NOREPLICAS ")
#: No time cures these: what we may, what we sent, what stands there.
_LASTING: Final = (
    redis.exceptions.AuthenticationWrongNumberOfArgsError,
    redis.exceptions.AuthorizationError,
    redis.exceptions.DataError,
    redis.exceptions.ResponseError,
)

_log = EventLog(__name__)
T = TypeVar("T")


def is_lasting(error: redis.RedisError) -> bool:
    """Whether asking again is in vain, because Redis answers and refuses."""
    if isinstance(error, _PASSING) or str(error).startswith(_PASSING_WORDS):
        return False
    return isinstance(error, _LASTING)


def never() -> bool:
    """What a process that nobody stops says."""
    return False


class Insist:
    """Makes a call until Redis answers: what a server said is not thrown away because Redis restarts.

    Only for calls that may be repeated after a lost reply.

    Args:
        pause: Sleeps between two tries.
        stopping: Whether this process is to end.
        clock: Seconds that only grow.
    """

    def __init__(
        self,
        pause: Callable[[float], None],
        *,
        stopping: Callable[[], bool] = never,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pause = pause
        self._stopping = stopping
        self._clock = clock

    def __call__(self, call: Callable[[], T]) -> T:
        """The answer, however long it takes.

        Raises:
            redis.RedisError: Redis refuses for good, or does not answer while this process is to end.
        """
        pause, end = _FIRST_PAUSE_SECONDS, None
        while True:
            try:
                return call()
            except redis.RedisError as error:
                name = type(error).__name__
                if is_lasting(error):
                    _log.error("ledger_refuses", error=name)
                    raise
                if self._stopping():
                    end = end or self._clock() + STOPPING_PATIENCE_SECONDS
                    if self._clock() >= end:
                        _log.error("ledger_away_at_the_end", error=name)
                        raise
                    pause = _FIRST_PAUSE_SECONDS
                _log.warning("ledger_away", error=name, again_in=round(pause, 1))
            self._pause(pause)
            pause = min(pause * 2, _LAST_PAUSE_SECONDS)
