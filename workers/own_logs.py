"""Has Celery's processes write their logs as ours do: worker, children of its pool, and Flower."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from celery import signals

from settings_store.logs.logs import Logs
from settings_store.snapshot import Snapshot
from tasks.runtime import Runtime
from tasks.tracing import beginning as tracing_beginning

_logs: list[Logs] = []


def begin_with_the_process(
    runtime: Callable[[], Runtime], file: Path | None, arguments: Sequence[str]
) -> None:
    """Begin the log in place of Celery, once that begins its own; of Flower, which has none, at once.

    Args:
        runtime: Gives this process' runtime: where the options are.
        file: Where the log goes besides standard error; `--logfile` comes before it.
        arguments: The command line.
    """

    def snapshot() -> Snapshot:
        return runtime().store.snapshot()

    def begin(program: str, to: Path | None, *, everything: bool = False) -> None:
        _logs[:] = [Logs(program, to, everything=everything)]
        _logs[0].follow(snapshot)

    def of_worker(loglevel: int = logging.INFO, logfile: str | None = None, **_: Any) -> None:
        begin("worker", Path(logfile) if logfile else file, everything=loglevel <= logging.DEBUG)

    def in_child(**_: Any) -> None:
        for logs in _logs:
            logs.follow(snapshot)

    def at_end_of_child(**_: Any) -> None:
        tracing_beginning.flush()
        for handler in logging.getLogger().handlers:
            handler.flush()

    if "flower" in arguments and "worker" not in arguments:
        begin("flower", file)
        return
    signals.setup_logging.connect(of_worker, weak=False)
    signals.worker_process_init.connect(in_child, weak=False)
    signals.worker_process_shutdown.connect(at_end_of_child, weak=False)
