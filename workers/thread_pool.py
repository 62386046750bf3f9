"""Celery's pool of threads, which knows how many tasks wait in it, and says when one of them begins."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from celery import concurrency
from celery.concurrency import thread
from kombu.asynchronous import get_event_loop


class TaskPool(thread.TaskPool):
    """The pool.

    Attributes:
        waiting: Tasks that were given to it and have no thread yet.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.waiting = 0
        self._lock = threading.Lock()

    def on_apply(
        self,
        target: Callable[..., Any],
        args: tuple[Any, ...] | None = None,
        kwargs: dict[str, Any] | None = None,
        callback: Callable[..., Any] | None = None,
        accept_callback: Callable[..., Any] | None = None,
        **more: Any,
    ) -> Any:
        """Run a task in a thread, and have the main loop look for the next one when it begins."""

        def begin(*what: Any) -> None:
            self._count(-1)
            try:
                if accept_callback is not None:
                    accept_callback(*what)
            finally:
                _wake_main_loop()

        self._count(1)
        return super().on_apply(target, args, kwargs, callback, begin, **more)

    def _count(self, by: int) -> None:
        with self._lock:
            self.waiting += by


def _wake_main_loop() -> None:
    loop = get_event_loop()
    if loop is not None:
        loop.call_soon(_nothing)


def _nothing() -> None:
    """What the loop is to do besides."""


def install() -> None:
    """Have Celery use it for `threads`, named or not."""
    concurrency.ALIASES["threads"] = f"{TaskPool.__module__}:{TaskPool.__qualname__}"
