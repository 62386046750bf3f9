"""The worker's `/metrics`: what it did, and how the fleet stands. Off unless `NOTIFY_METRICS_PORT` is set."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, Final

from celery import bootsteps
from prometheus_client import CollectorRegistry, ProcessCollector, start_http_server

from settings_store.logs import EventLog
from tasks.metrics import FleetGauges, ProcessTally
from tasks.runtime import Runtime
from workers.living_children import LivingChildren
from workers.metrics_address import MetricsAddress
from workers.shared_counts import FOLDER_VARIABLE

_log = EventLog(__name__)
_served: list[tuple[Callable[[], Runtime], MetricsAddress | None]] = []
_counted: Final = CollectorRegistry()


def provide(runtime: Callable[[], Runtime], address: MetricsAddress | None) -> None:
    """Say where the step finds this process' runtime and where it serves; the last word counts."""
    _served[:] = [(runtime, address)]


def new_tally() -> ProcessTally:
    """What a worker counts by; to be called once, before a pool forks."""
    return ProcessTally(_counted)


def registry_of(runtime: Runtime) -> CollectorRegistry:
    """Everything that a worker tells: the counts of all its processes, itself, and the fleet."""
    registry = CollectorRegistry()
    if os.environ.get(FOLDER_VARIABLE):
        registry.register(LivingChildren(os.environ[FOLDER_VARIABLE]))
    else:
        registry.register(_counted)
    ProcessCollector(registry=registry)
    registry.register(FleetGauges(runtime.redis, runtime.store.snapshot, prefix=runtime.environment.prefix))
    return registry


class MetricsStep(bootsteps.StartStopStep):
    """Serves in the worker's main process. A port that is taken stops no mail: the log says so."""

    requires = ("celery.worker.components:Pool",)

    def __init__(self, parent: Any, **options: Any) -> None:
        super().__init__(parent, **options)
        self._server: Any = None

    def start(self, _parent: Any) -> None:
        """Begin to answer, where an address is given."""
        runtime, address = _served[0]
        if address is None:
            return
        try:
            self._server, _ = start_http_server(address.port, address.host, registry=registry_of(runtime()))
        except OSError as error:
            _log.error("metrics_not_served", address=address, error=error.strerror or type(error).__name__)
            return
        _log.info("metrics_served", address=f"http://{address}/metrics")

    def stop(self, _parent: Any) -> None:
        """End."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def terminate(self, parent: Any) -> None:
        """End at once."""
        self.stop(parent)
