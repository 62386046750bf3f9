"""Keeps bodies and odd ids out of the logs.

Celery writes a message that it cannot take in full, at DEBUG all, and the id of every task, which its sender
may have made of anything: an address, or two lines.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Final

from settings_store.logs.event_log import Event
from tasks import broker
from tasks.task_id import fit_for_logs

_WITH_BODIES: Final = ("celery.worker.consumer.consumer", "celery.pool")
_WITH_IDS: Final = ("celery.worker.strategy", "celery.worker.request", "celery.app.trace")
#: The starts of the records that carry a body, as Celery 5.7 words them.
_WITH_BODY: Final = {
    "Received unregistered task": Event("message_dropped", {"reason": "unregistered_task"}),
    "Received and deleted unknown message": Event("message_dropped", {"reason": "unknown_message"}),
    "Received invalid task message": Event("message_dropped", {"reason": "invalid_message"}),
    "Can't decode message body": Event("message_dropped", {"reason": "undecodable_body"}),
    "TaskPool: Apply": Event("task_given_to_pool"),
}


class WithoutBody(logging.Filter):
    """Replaces a record that holds a message's body by one that says what happened."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record through, some in other words."""
        text = str(record.msg).lstrip()
        for start, event in _WITH_BODY.items():
            if text.startswith(start):
                record.msg, record.args, record.exc_info, record.exc_text = event, (), None, None
        return True


class WithoutOddId(logging.Filter):
    """Puts the id of the notification in place of a task's id that a log should not show."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record through, with another id where that is odd."""
        if isinstance(record.args, Mapping):
            task_id = record.args.get("id")
            if isinstance(task_id, str):
                record.args = {**record.args, "id": fit_for_logs(task_id)}
        elif record.args:
            record.args = tuple(
                fit_for_logs(each) if isinstance(each, str) and _is_ours(before) else each
                for before, each in zip((None, *record.args), record.args, strict=False)
            )
        return True


def _is_ours(before: object) -> bool:
    """Whether what stands before is the name of a task of ours: then the task's id follows."""
    return before in {broker.SUBMIT_TASK, broker.DELIVER_TASK, broker.DELIVER_MANY_TASK}


def install() -> None:
    """Put the filters on the loggers that need them; a second time does nothing."""
    for names, kind in ((_WITH_BODIES, WithoutBody), (_WITH_IDS, WithoutOddId)):
        for name in names:
            logger = logging.getLogger(name)
            if not any(isinstance(each, kind) for each in logger.filters):
                logger.addFilter(kind())
