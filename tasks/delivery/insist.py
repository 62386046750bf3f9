"""Asks the ledger until it answers."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final, TypeVar

import redis

_FIRST_PAUSE_SECONDS: Final = 0.1
_LAST_PAUSE_SECONDS: Final = 5.0

_log = logging.getLogger(__name__)
T = TypeVar("T")


class Insist:
    """Makes a call until Redis answers: what a server said is not thrown away because Redis restarts.

    Only for calls that may be repeated after a lost reply.

    Args:
        pause: Sleeps between two tries.
    """

    def __init__(self, pause: Callable[[float], None]) -> None:
        self._pause = pause

    def __call__(self, call: Callable[[], T]) -> T:
        """The answer, however long it takes."""
        pause = _FIRST_PAUSE_SECONDS
        while True:
            try:
                return call()
            except redis.RedisError as error:
                _log.warning("ledger_away error=%s again_in=%.1f", type(error).__name__, pause)
            self._pause(pause)
            pause = min(pause * 2, _LAST_PAUSE_SECONDS)
