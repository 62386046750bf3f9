"""Keeps bodies out of the logs: Celery writes a message that it cannot take in full, and at DEBUG all."""

from __future__ import annotations

import logging
from typing import Final

_LOGGERS: Final = ("celery.worker.consumer.consumer", "celery.pool")
#: The starts of the records that carry a body, as Celery 5.7 words them.
_WITH_BODY: Final = {
    "Received unregistered task": "message_dropped reason=unregistered_task",
    "Received and deleted unknown message": "message_dropped reason=unknown_message",
    "Received invalid task message": "message_dropped reason=invalid_message",
    "Can't decode message body": "message_dropped reason=undecodable_body",
    "TaskPool: Apply": "task_given_to_pool",
}


class WithoutBody(logging.Filter):
    """Replaces a record that holds a message's body by one that says what happened."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record through, some in other words."""
        text = str(record.msg).lstrip()
        for start, words in _WITH_BODY.items():
            if text.startswith(start):
                record.msg, record.args, record.exc_info, record.exc_text = words, (), None, None
        return True


def install() -> None:
    """Put the filter on the loggers that write bodies; a second time does nothing."""
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        if not any(isinstance(each, WithoutBody) for each in logger.filters):
            logger.addFilter(WithoutBody())
