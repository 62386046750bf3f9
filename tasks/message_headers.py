"""The headers of a task's message: what must hold of them before Celery works with it.

Celery takes them as they come. One of another type then fails where no task runs yet: the message is never
acknowledged, comes back each time it is given up, and what is shown of it is what its sender wrote.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_LIMITS: Final = 2


def fault_of(headers: Mapping[str, Any]) -> str | None:
    """The name of the first header that cannot be worked with; None where all can."""
    if not _is_id(headers.get("id")):
        return "id"
    for name in ("root_id", "parent_id", "group", "replaced_task_nesting"):
        if not isinstance(headers.get(name), str | int | None):
            return name
    retries = headers.get("retries")
    if retries is not None and not (_is_int(retries) and retries >= 0):
        return "retries"
    return None if _is_time_limit(headers.get("timelimit")) else "timelimit"


def _is_id(given: object) -> bool:
    """Whether something names a task: some text that can be kept."""
    if not isinstance(given, str) or not given:
        return False
    try:
        given.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_int(given: object) -> bool:
    return isinstance(given, int) and not isinstance(given, bool)


def _is_time_limit(given: object) -> bool:
    """Whether something is none, or the seconds after which a task is ended and before that told so."""
    if given is None:
        return True
    if not isinstance(given, list | tuple) or len(given) != _LIMITS:
        return False
    return all(each is None or _is_int(each) or isinstance(each, float) for each in given)
