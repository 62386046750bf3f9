"""Events with fields, by way of the standard library's loggers."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from settings_store.logs.event_record import EventRecord
from settings_store.logs.logfmt import logfmt

_context: ContextVar[Mapping[str, Any]] = ContextVar("notify_log_context", default={})  # noqa: B039  # never changed


@dataclass(slots=True)
class Event:
    """The message of a record: a name of lower-case words and what belongs to it.

    Read as text, as handlers that are not ours do, it is the name and its fields in logfmt.
    """

    name: str
    fields: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return " ".join([self.name, logfmt(self.fields)]) if self.fields else self.name


class EventLog:
    """Writes events under the name of a module; nothing is made into text unless it is written.

    Args:
        name: `__name__`.
    """

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(name)

    def debug(self, event: str, /, **fields: object) -> None:
        """What helps to find a defect."""
        self._write(logging.DEBUG, event, fields)

    def info(self, event: str, /, **fields: object) -> None:
        """What was done."""
        self._write(logging.INFO, event, fields)

    def warning(self, event: str, /, **fields: object) -> None:
        """What went wrong and is made good by itself, or needs somebody by day."""
        self._write(logging.WARNING, event, fields)

    def error(self, event: str, /, **fields: object) -> None:
        """What does not become good by itself."""
        self._write(logging.ERROR, event, fields)

    def critical(self, event: str, /, **fields: object) -> None:
        """What ends this process."""
        self._write(logging.CRITICAL, event, fields)

    def _write(self, level: int, event: str, fields: Mapping[str, object]) -> None:
        logger = self._logger
        if logger.isEnabledFor(level):
            # Who called is two frames up; `logging` looks for that frame by frame, each time.
            frame = sys._getframe(2)  # noqa: SLF001  # the public way is as slow as what it is to spare
            logger.handle(EventRecord(logger.name, level, frame.f_code, frame.f_lineno, Event(event, fields)))


def bound(fields: Mapping[str, Any]) -> AbstractContextManager[None]:
    """Have every line that this thread writes meanwhile, a library's too, bear these fields."""
    return _Bound(fields)


class _Bound(AbstractContextManager[None]):
    """Made by hand: there is one in each pass."""

    __slots__ = ("_fields", "_token")

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self._fields = fields

    def __enter__(self) -> None:
        self._token = _context.set({**_context.get(), **self._fields})

    def __exit__(self, *_: object) -> None:
        _context.reset(self._token)


def bound_now() -> Mapping[str, Any]:
    """What is bound in this thread."""
    return _context.get()
