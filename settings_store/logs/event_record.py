"""The record of an event: what `logging` makes for each line, at a quarter of the cost."""

from __future__ import annotations

import functools
import logging
import time
from pathlib import PurePath
from types import CodeType
from typing import TYPE_CHECKING, Final

from settings_store.this_process import process_id

if TYPE_CHECKING:
    from settings_store.logs.event_log import Event

_LEVEL_NAMES: Final = {
    level: logging.getLevelName(level)
    for level in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL)
}
_BEGAN: Final = time.time()


class EventRecord(logging.LogRecord):
    """A record with all attributes of the standard library's, for whatever handler.

    That one asks for the names of thread, process and task, and takes the file's path apart, for every line;
    none of ours shows them. Those are None here, as where `logging.logThreads` and its like are False.

    Args:
        name: The logger's.
        level: One of the standard library's.
        code: Where the event was told.
        line: The line there.
        event: What happened.
    """

    def __init__(self, name: str, level: int, code: CodeType, line: int, event: Event) -> None:
        # Not the base class', on purpose.
        now = time.time()
        self.name = name
        self.msg = event
        self.args = None
        self.levelname = _LEVEL_NAMES[level]
        self.levelno = level
        self.pathname = code.co_filename
        self.filename, self.module = _file_of(code.co_filename)
        self.exc_info = None
        self.exc_text = None
        self.stack_info = None
        self.lineno = line
        self.funcName = code.co_name
        self.created = now
        self.msecs = now % 1 * 1000
        self.relativeCreated = (now - _BEGAN) * 1000
        self.thread = self.threadName = None
        self.process, self.processName = process_id(), None
        self.taskName = None


@functools.cache
def _file_of(path: str) -> tuple[str, str]:
    file = PurePath(path)
    return file.name, file.stem
