"""Says that this worker lives and moves, and ends a worker that lives but no longer moves.

After a broker restart a worker's process can live on, answer pings and fetch nothing for ever. Liveness is
therefore judged by progress: work waits in a queue, slots are free, and nothing was received for a while.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import Final

import kombu.exceptions

from tasks.fleet import WorkerLife, redis_clock
from tasks.ledger import LANES
from tasks.runtime import Runtime

#: So long nothing moves while work waits before the worker ends itself, and whoever runs it starts it anew.
STALLED_SECONDS: Final = 60.0
STALLED_EXIT_CODE: Final = 70


class Heartbeat:
    """This worker's sign of life in Redis, and its own judgement of whether it moves.

    Args:
        runtime: The process' runtime.
        received: Tasks received so far.
        busy: Tasks that are running.
        slots: Tasks that can run at once.
        lanes: The lanes whose queues this worker serves.
        not_now: Those of them that have their share of the slots: what waits there says nothing.
        unfit: Why this worker takes no work; blank where it does.
        clock: Seconds that only grow.
    """

    def __init__(
        self,
        runtime: Runtime,
        *,
        received: Callable[[], int],
        busy: Callable[[], int],
        slots: int,
        lanes: Callable[[], Collection[str]] = lambda: LANES,
        not_now: Callable[[], Collection[str]] = tuple,
        unfit: Callable[[], str] = str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._runtime = runtime
        self._received = received
        self._busy = busy
        self._slots = slots
        self._lanes = lanes
        self._not_now = not_now
        self._unfit = unfit
        self._clock = clock
        self._last_received = received()
        self._moved_at = clock()

    def beat(self) -> None:
        """Write the sign of life.

        Raises:
            redis.RedisError: Redis does not answer.
        """
        runtime = self._runtime
        at_ms, ahead_ms = redis_clock(runtime.redis)
        keyring = runtime.store.cipher.keyring
        life = WorkerLife(
            revision=runtime.store.snapshot().revision,
            received=self._received(),
            busy=self._busy(),
            slots=self._slots,
            connections_kept=runtime.pool.idle_count,
            lanes=tuple(self._lanes()),
            keys=tuple(sorted(keyring.keys)) if keyring else None,
            clock_ahead_ms=ahead_ms,
            unfit=self._unfit(),
        )
        runtime.fleet.beat(runtime.worker, life, at_ms=at_ms)

    def is_stalled(self) -> bool:
        """Whether work waits that this worker could take and has not taken for too long.

        Raises:
            kombu.exceptions.OperationalError: The broker cannot be asked, which is no fault of this worker.
        """
        received, now = self._received(), self._clock()
        try:
            still = received == self._last_received and self._busy() < self._slots and self._work_waits()
        except kombu.exceptions.OperationalError:
            # Nothing can be fetched from a broker that is away; when it is back, time is counted anew.
            self._moved_at = now
            raise
        if not still:
            self._last_received, self._moved_at = received, now
            return False
        return now - self._moved_at >= STALLED_SECONDS

    def _work_waits(self) -> bool:
        lanes = set(self._lanes()).difference(self._not_now())
        return any(self._runtime.bells.depth(lane) for lane in lanes)
