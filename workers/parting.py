"""A process that ends closes its connections to mail servers: others have their places at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Final

from celery import signals

from tasks.runtime import Runtime

#: So long a process that ends waits for its servers to say goodbye, at the most.
GOODBYE_SECONDS: Final = 2.0


def part_at_the_end(runtime: Callable[[], Runtime]) -> None:
    """Close what nobody uses when a worker ends, or a child of its pool: their passes are over by then.

    Left to the end of the process, they would count against our own limits until their leases are over.

    Args:
        runtime: Gives this process' runtime.
    """

    def part(**_: Any) -> None:
        # In a thread: where Redis is away it would be asked for longer than a worker may take to end.
        parting = threading.Thread(target=runtime().part, name="parting", daemon=True)
        parting.start()
        parting.join(GOODBYE_SECONDS)

    signals.worker_shutdown.connect(part, weak=False)
    signals.worker_process_shutdown.connect(part, weak=False)
