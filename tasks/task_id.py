"""Ids that other programs give their Celery tasks: which notification each means, and how a log shows it."""

from __future__ import annotations

import re
import uuid
from typing import Final

#: As of a notification's id, which holds no address and ends no line.
_FIT: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")


def notification_id_of(task_id: str) -> str:
    """The id of a notification submitted without one: the task's, or one that follows from it.

    A submission that the broker delivers twice is so the same notification.
    """
    try:
        return str(uuid.UUID(task_id))
    except ValueError:
        return str(uuid.uuid5(uuid.NAMESPACE_OID, task_id))


def fit_for_logs(task_id: str) -> str:
    """A task's id as a log may show it: itself, or the notification's where it could hold anything."""
    return task_id if _FIT.fullmatch(task_id) else notification_id_of(task_id)
