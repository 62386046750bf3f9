"""A row in Flower for each notification of a batch, as if each had come in a message of its own."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from tasks import broker

#: Sends an event of Celery's: its type, and its fields.
Send = Callable[..., Any]


class RowEvents:
    """Tells of the passes of a batch in the words of Celery 5.7's own events.

    Args:
        send: Sends an event.
        clock: Seconds that only grow.
    """

    def __init__(self, send: Send, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._send = send
        self._clock = clock
        self._began: dict[str, float] = {}

    def running(self, notification_id: str) -> None:
        """A pass began of which Celery told by itself."""
        self._began[notification_id] = self._clock()

    def begun(self, notification_id: str, passes: int = 0) -> None:
        """A pass begins, after so many."""
        self._began[notification_id] = self._clock()
        self._send(
            "task-received",
            uuid=notification_id,
            name=broker.DELIVER_TASK,
            args="()",
            kwargs="{}",
            root_id=notification_id,
            parent_id=None,
            retries=passes,
            eta=None,
            expires=None,
        )
        self._send("task-started", uuid=notification_id)

    def succeeded(self, notification_id: str, words: str) -> None:
        """Everybody has it, or nobody is to have it any more."""
        runtime = self._ends(notification_id)
        self._send("task-succeeded", uuid=notification_id, result=repr(words), runtime=runtime)

    def postponed(self, notification_id: str, fault: BaseException) -> None:
        """It is tried again."""
        self._ends(notification_id)
        self._send("task-retried", uuid=notification_id, exception=repr(fault), traceback="")

    def failed(self, notification_id: str, fault: BaseException) -> None:
        """It waits in the list of dead letters, or its pass crashed."""
        self._ends(notification_id)
        self._send("task-failed", uuid=notification_id, exception=repr(fault), traceback="")

    def revoked(self, notification_id: str) -> None:
        """Somebody revoked it before its pass began."""
        self._send("task-revoked", uuid=notification_id, terminated=False, signum=None, expired=False)

    def _ends(self, notification_id: str) -> float:
        """How long its pass took, in seconds."""
        now = self._clock()
        return now - self._began.pop(notification_id, now)
