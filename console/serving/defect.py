"""A defect of ours, told without its words: they may quote an address. Reply and log bear the same number."""

from __future__ import annotations

import secrets
from http import HTTPStatus

from console.serving.fault import Fault
from settings_store.logs import EventLog
from settings_store.logs.line import places

_log = EventLog(__name__)


def defect_of(error: BaseException) -> Fault:
    """The fault to answer with; where it happened is in the log."""
    number = secrets.token_hex(4)
    _log.error("console_defect", number=number, error=type(error).__name__, at=places(error.__traceback__))
    return Fault(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "defect",
        "Something is broken here",
        f"this request failed; its fault has the number {number} in the console's log",
        "what was accepted is safe, and the workers go on without the console",
    )
