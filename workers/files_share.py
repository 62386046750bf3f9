"""Keeps half of a worker's slots for what fetches nothing: a share that hangs must not stop plain mail."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any, Final

from celery.worker import state as worker_state

from tasks import broker

FILES_QUEUE: Final = broker.QUEUE_OF_LANE["files"]
#: The set of requests changes under whoever counts it; so often it is counted anew.
_COUNTS: Final = 10


class FilesShare:
    """How many of a worker's slots `notify.files` has, and whether that is its share.

    Args:
        slots: Tasks that can run at once.
        requests: The tasks that this worker has taken and not finished.
    """

    def __init__(
        self, slots: int, requests: Callable[[], Iterable[Any]] = lambda: worker_state.reserved_requests
    ) -> None:
        self._most = max(1, slots // 2)
        self._requests = requests

    @property
    def is_full(self) -> bool:
        """Whether no more of them are taken now, unless the worker takes nothing else."""
        return self._taken() >= self._most

    def full_lanes(self) -> Collection[str]:
        """The lanes of which no more is taken now."""
        return ("files",) if self.is_full else ()

    def left_out(self) -> Collection[str]:
        """The queues that are not looked at now."""
        return (FILES_QUEUE,) if self.is_full else ()

    def _taken(self) -> int:
        for _ in range(_COUNTS):
            try:
                return sum(_is_of_files(request) for request in self._requests())
            except RuntimeError:
                # A task ended in the middle of the count.
                continue
        return 0


def _is_of_files(request: Any) -> bool:
    return bool(request.delivery_info.get("routing_key") == FILES_QUEUE)
