"""The worker's step for notices: a thread of its own, so that a webhook that hangs delays nothing else."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Final

import redis
from celery import bootsteps

from settings_store.logs import EventLog
from tasks.runtime import Runtime

EVERY_SECONDS: Final = 2.0

_log = EventLog(__name__)
_runtime: list[Callable[[], Runtime]] = []


def provide(runtime: Callable[[], Runtime]) -> None:
    """Say where the step finds this process' runtime; the last word counts."""
    _runtime[:] = [runtime]


class NoticeStep(bootsteps.StartStopStep):
    """Runs in the worker's main process, beside the sweeper."""

    requires = ("celery.worker.components:Pool",)

    def __init__(self, parent: Any, **options: Any) -> None:
        super().__init__(parent, **options)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, _parent: Any) -> None:
        """Begin."""
        self._thread = threading.Thread(target=self._run, args=(_runtime[0](),), name="notices", daemon=True)
        self._thread.start()

    def stop(self, _parent: Any) -> None:
        """End; a post that is under way is not waited for, the next worker makes it again."""
        self._stop.set()

    def terminate(self, parent: Any) -> None:
        """End at once."""
        self.stop(parent)

    def _run(self, runtime: Runtime) -> None:
        while not self._stop.is_set():
            try:
                runtime.notices.round()
            except (redis.RedisError, OSError) as error:
                _log.warning("notices_wait", error=type(error).__name__)
            except Exception as error:  # noqa: BLE001  # this thread outlives every fault; its words may quote
                _log.error("notices_crashed", error=type(error).__name__)
            self._stop.wait(EVERY_SECONDS)
