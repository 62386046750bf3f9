"""Repeats a call as often as it is told to, however many steps of it would be repeated as well."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from redis.retry import Retry

T = TypeVar("T")


class FlatRetry(Retry):
    """A retry inside which nothing is retried.

    The client library repeats a call, for each time the connecting that it needs, and for each of these the
    question whether the server is well: with three repeats, a Redis that takes connections and says nothing
    was asked 16 times, and a publisher told of it after 164 s instead of 41.

    Each connection has a copy of its own, and is used by one thread at a time.
    """

    _is_inside = False

    def call_with_retry(self, do: Callable[[], T], fail: Callable[..., Any], *more: Any, **named: Any) -> T:
        """The answer of `do`; see `redis.retry.Retry`."""
        if self._is_inside:
            return do()
        self._is_inside = True
        try:
            return super().call_with_retry(do, fail, *more, **named)
        finally:
            self._is_inside = False
