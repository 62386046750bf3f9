"""A process that ends closes its connections to mail servers: others have their places at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from celery import signals

from tasks.runtime import Runtime

#: So long a process that ends waits for its servers to say goodbye, and for Redis to hear of it.
GOODBYE_SECONDS: Final = 2.0


def part_at_the_end(runtime: Callable[[], Runtime]) -> None:
    """Close what nobody uses when a worker ends, or a child of its pool: their passes are over by then.

    Left to the end of the process, they would count against our own limits until their leases are over.

    Args:
        runtime: Gives this process' runtime.
    """

    def part(**_: Any) -> None:
        runtime().part(GOODBYE_SECONDS)

    signals.worker_shutdown.connect(part, weak=False)
    signals.worker_process_shutdown.connect(part, weak=False)
