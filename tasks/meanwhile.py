"""A call in a thread of its own, while its caller does something else."""

from __future__ import annotations

import contextvars
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


def meanwhile(call: Callable[[], T]) -> Future[T]:
    """Begin a call; what it returns or raises comes from the future. Logs and traces know whose it is."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(call())
        except BaseException as error:  # noqa: BLE001  # whatever it is, it belongs to who waits for it
            future.set_exception(error)

    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(run,), name="meanwhile").start()
    return future


def side_by_side(calls: Iterable[Callable[[], object]], seconds: float) -> None:
    """Make calls, each in a thread, and wait for all of them, so long at the most.

    A process ends without those that are not over by then.
    """
    deadline = time.monotonic() + seconds
    threads = [threading.Thread(target=call, name="side-by-side", daemon=True) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(deadline - time.monotonic(), 0.0))
