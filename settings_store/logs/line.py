"""From a record to a line: which fields it has, in which form."""

from __future__ import annotations

import functools
import json
import logging
import os
import traceback
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, Literal

from settings_store.logs.event_log import Event, bound_now
from settings_store.logs.logfmt import logfmt
from settings_store.logs.others import speaks

Form = Literal["logfmt", "json"]

_FRAMES_MAXIMUM: Final = 20


def line(record: logging.LogRecord, form: Form, *, program: str) -> str:
    """One line, without its end.

    Args:
        record: Of whatever logger.
        form: How it is written.
        program: What the process is: `worker`, `console`, `flower`.
    """
    # A string in JSON too is ASCII, so that a line stays one and obeys nobody.
    if form == "json":
        return json.dumps(fields_of(record, program=program), default=str)
    return logfmt(_fields_of(record, program))


def fields_of(record: logging.LogRecord, *, program: str) -> dict[str, Any]:
    """When, how serious, what, about what, from where."""
    return {name: value for name, value in _fields_of(record, program).items() if value is not None}


def _fields_of(record: logging.LogRecord, program: str) -> dict[str, Any]:
    """`fields_of`, those too that have no value."""
    said = _said(record)
    fields: dict[str, Any] = {"ts": _instant(record.created), "level": record.levelname.lower()}
    fields.update(said)
    # What the line itself says comes before what is bound, in place and in value.
    fields |= {name: value for name, value in bound_now().items() if name not in said}
    fields["logger"] = record.name
    fields["program"] = program
    fields["pid"] = record.process or os.getpid()
    return fields


def places(trace: TracebackType | None) -> str:
    """Where an error came from, innermost first: files and lines, no values."""
    frames = list(reversed(traceback.extract_tb(trace)))[:_FRAMES_MAXIMUM]
    return " < ".join(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames)


def _said(record: logging.LogRecord) -> dict[str, Any]:
    if isinstance(record.msg, Event):
        said = {"event": record.msg.name, **record.msg.fields}
    elif speaks(record.name):
        said = {"event": record.name.partition(".")[0], "message": record.getMessage()}
    else:
        # Its words may quote what was sent, or an address of the web that holds a key.
        said = {"event": "library", "at": f"{record.module}:{record.lineno}"}
    if record.exc_info and record.exc_info[0] is not None:
        said |= {"error": record.exc_info[0].__name__, "at": places(record.exc_info[2])}
    return said


def _instant(unix_seconds: float) -> str:
    seconds, microseconds = divmod(round(unix_seconds * 1_000_000), 1_000_000)
    return f"{_second(seconds)}.{microseconds // 1000:03d}Z"


@functools.lru_cache(maxsize=4)
def _second(unix_seconds: int) -> str:
    """A busy second has thousands of lines."""
    return datetime.fromtimestamp(unix_seconds, tz=UTC).isoformat(timespec="seconds").removesuffix("+00:00")
