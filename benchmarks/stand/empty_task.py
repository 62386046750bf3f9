"""A Celery app whose tasks do nothing, with the settings of the notifier's own: `-A` of a worker."""

from __future__ import annotations

import socket
from typing import Final

from benchmarks.stand.same_settings import celery_app

QUEUE: Final = "benchmark.empty"
TASK: Final = "benchmark.empty"
TELLING_TASK: Final = "benchmark.telling"

app = celery_app(QUEUE)


@app.task(name=TASK)  # type: ignore[untyped-decorator]
def empty() -> None:
    """Nothing."""


@app.task(name=TELLING_TASK)  # type: ignore[untyped-decorator]
def telling(port: int) -> None:
    """Nothing but saying that it runs, by the cheapest way there is."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way:
        way.sendto(b"runs", ("127.0.0.1", port))
