"""Keeps messages in the broker until a slot is about to be free: there what is urgent still passes them."""

from __future__ import annotations

from typing import Any, Final

from celery.worker import state as worker_state

from workers.thread_pool import TaskPool

#: For so many slots one message is taken ahead: a thread that is free has its next task at once.
SLOTS_PER_MESSAGE: Final = 8


class TakenAhead:
    """Whether a worker has as many messages without a slot as it may.

    Args:
        pool: The worker's.
        slots: Tasks that can run at once.
    """

    def __init__(self, pool: Any, slots: int) -> None:
        self._pool = pool
        self._most = max(slots // SLOTS_PER_MESSAGE, 1)

    def is_enough(self) -> bool:
        """Whether no more messages are taken now."""
        return self._waiting() >= self._most

    def _waiting(self) -> int:
        if isinstance(self._pool, TaskPool):
            return self._pool.waiting
        # Of other pools the main loop itself hears what begins and ends, so this is exact.
        return len(worker_state.reserved_requests) - len(worker_state.active_requests)
