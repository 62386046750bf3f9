"""A call in a thread of its own, while its caller does something else."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
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
