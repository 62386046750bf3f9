"""The worker's own step: a thread beside the consumer that sweeps, beats and hears of what is revoked."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable
from typing import Any, Final

import redis
from celery import Celery, bootsteps, signals
from celery.worker import state as worker_state
from kombu.exceptions import OperationalError

from settings_store.logs import EventLog
from tasks import broker, queue_order
from tasks.runtime import Runtime
from workers.files_share import FilesShare
from workers.fitness import Fitness
from workers.heartbeat import STALLED_EXIT_CODE, Heartbeat
from workers.sweeper import Sweeper
from workers.taken_ahead import TakenAhead

EVERY_SECONDS: Final = 1.0
_BEAT_EVERY_SECONDS: Final = 5.0
_FITNESS_EVERY_SECONDS: Final = 5.0
# For so long the pool keeps what is over its four to a server; it looks only where that server is used.
_CLOSE_IDLE_EVERY_SECONDS: Final = 2.0

_log = EventLog(__name__)
_STALLED: Final = "work waits, slots are free, nothing is received; this worker ends itself"
_runtime: list[Callable[[], Runtime]] = []


def provide(runtime: Callable[[], Runtime]) -> None:
    """Say where the step finds this process' runtime; the last word counts."""
    _runtime[:] = [runtime]


class SweepStep(bootsteps.StartStopStep):
    """Runs in the worker's main process, started with it and stopped before its connections close."""

    requires = ("celery.worker.components:Pool",)

    def __init__(self, parent: Any, **options: Any) -> None:
        super().__init__(parent, **options)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, parent: Any) -> None:
        """Begin."""
        runtime = _runtime[0]()
        runtime.worker = parent.hostname
        # Where a pool forks, each child makes its own runtime, and one pass at a time.
        runtime.slots = parent.concurrency
        self._thread = threading.Thread(target=self._run, args=(parent, runtime), name="sweeper", daemon=True)
        self._thread.start()

    def stop(self, _parent: Any) -> None:
        """End; what is due meanwhile is rung by the other workers, or by the next start.

        It is stopped before the pool, which waits for the passes that run: they learn of it here.
        """
        _runtime[0]().stopping.set()
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=EVERY_SECONDS * 5)

    def terminate(self, parent: Any) -> None:
        """End at once."""
        self.stop(parent)

    def _run(self, parent: Any, runtime: Runtime) -> None:
        share = FilesShare(parent.concurrency)
        queue_order.leave_out(share.left_out)
        queue_order.take_none_while(TakenAhead(parent.pool, parent.concurrency).is_enough)
        fitness = Fitness(
            runtime,
            consumer=lambda: parent.consumer,
            consumed=lambda: list(parent.app.amqp.queues.consume_from),
        )
        chores = Chores(
            runtime,
            Heartbeat(
                runtime,
                unfit=lambda: fitness.fault,
                received=lambda: sum(worker_state.total_count.values()),
                busy=lambda: len(worker_state.active_requests),
                slots=parent.concurrency,
                lanes=lambda: served_lanes(parent.app),
                not_now=share.full_lanes,
            ),
            revoked=lambda: list(worker_state.revoked),
            fitness=fitness,
        )

        def hear(request: Any = None, **_more: object) -> None:
            chores.discarded(request.id)

        signals.task_revoked.connect(hear, weak=False)
        while not self._stop.is_set():
            chores.run()
            self._stop.wait(EVERY_SECONDS)
        signals.task_revoked.disconnect(hear)
        # After the last beat, which would bring the name back.
        with contextlib.suppress(redis.RedisError):
            runtime.fleet.leave(runtime.worker)


def served_lanes(app: Celery) -> list[str]:
    """The lanes whose queues are consumed: all, or those that `-Q` or a remote command left."""
    consumed = app.amqp.queues.consume_from
    return [lane for lane, queue in broker.QUEUE_OF_LANE.items() if queue in consumed]


class Chores:
    """What is to be done each second, and what less often; one that fails keeps none of the others back."""

    def __init__(
        self,
        runtime: Runtime,
        heartbeat: Heartbeat,
        *,
        revoked: Callable[[], list[str]],
        fitness: Fitness | None = None,
        clock: Callable[[], float] = time.monotonic,
        give_up: Callable[[int], Any] = os._exit,
    ) -> None:
        self._runtime = runtime
        self._heartbeat = heartbeat
        self._sweeper = Sweeper(runtime)
        self._revoked = revoked
        self._fitness = fitness
        self._clock = clock
        self._give_up = give_up
        self._cancelled: set[str] = set()
        self._done_at: dict[str, float] = {}

    def run(self) -> None:
        """Do what is due."""
        self._do("sweep", 0.0, self._sweeper.sweep)
        self._do("cancel_revoked", 0.0, self._cancel_revoked)
        if self._fitness is not None:
            self._do("fitness", _FITNESS_EVERY_SECONDS, self._fitness.check)
        self._do("beat", _BEAT_EVERY_SECONDS, self._heartbeat.beat)
        self._do("progress", _BEAT_EVERY_SECONDS, self._check_progress)
        self._do("close_idle", _CLOSE_IDLE_EVERY_SECONDS, self._runtime.pool.close_idle)

    def _do(self, name: str, every_seconds: float, chore: Callable[[], object]) -> None:
        now = self._clock()
        if every_seconds and now - self._done_at.get(name, -every_seconds) < every_seconds:
            return
        self._done_at[name] = now
        try:
            chore()
        except (redis.RedisError, OperationalError, OSError) as error:
            _log.warning("chore_failed", chore=name, error=type(error).__name__)
        except Exception as error:  # noqa: BLE001  # this thread outlives every fault; its words may quote
            _log.error("chore_crashed", chore=name, error=type(error).__name__)

    def _cancel_revoked(self) -> None:
        """Who revokes a task means the notification: cancel it in the ledger, once."""
        revoked = set(self._revoked())
        for notification_id in revoked - self._cancelled:
            status, _ = self._runtime.ledger.cancel(notification_id, by="revoke")
            _log.info("revoked", notification=notification_id, result=status)
            self._cancelled.add(notification_id)
            if status == "cancelled":
                self._runtime.ring_end(notification_id)
        self._cancelled &= revoked

    def discarded(self, notification_id: str) -> None:
        """A worker discards each message of a revoked task: what was published since is cancelled too."""
        self._cancelled.discard(notification_id)

    def _check_progress(self) -> None:
        if self._heartbeat.is_stalled():
            _log.critical("stalled", reason=_STALLED)
            # What ends so writes nothing more, and this is the line that is looked for.
            for handler in logging.getLogger().handlers:
                handler.flush()
            self._give_up(STALLED_EXIT_CODE)
