"""The one handler of a process: every line to standard error, and to a file where there is one."""

from __future__ import annotations

import contextlib
import logging
import os
from typing import Final, TextIO

from settings_store.logs.event_log import Event
from settings_store.logs.file_writer import FileWriter
from settings_store.logs.line import Form, line
from settings_store.logs.others import level_of
from settings_store.logs.rotated_file import RotatedFile

#: At its end a process waits so long for the file.
FLUSH_SECONDS: Final = 2.0


class LogHandler(logging.Handler):
    """Writes what is let through; it neither raises nor waits for a file.

    Args:
        program: What the process is.
        stream: Standard error.
        file: Where lines go besides.

    Attributes:
        form: How lines are written; may be changed at any time.
        least: The level that somebody set; likewise.
    """

    def __init__(self, program: str, stream: TextIO, file: RotatedFile | None) -> None:
        super().__init__()
        self.form: Form = "logfmt"
        self.least = logging.INFO
        self._program = program
        self._stream = stream
        self._writer = FileWriter(file, tell=self._tell) if file else None
        os.register_at_fork(after_in_child=self._begin_in_child)

    def emit(self, record: logging.LogRecord) -> None:
        """Write it."""
        if record.levelno < level_of(record.name, self.least):
            return
        try:
            self._write(line(record, self.form, program=self._program))
        except Exception as error:  # noqa: BLE001  # whatever a record's parts do when they are made into text
            what = {
                "from": record.name,
                "at": f"{record.module}:{record.lineno}",
                "error": type(error).__name__,
            }
            self._tell(Event("log_record_unreadable", what))

    def flush(self) -> None:
        """Wait for the file, a moment."""
        if self._writer is not None:
            self._writer.flush(FLUSH_SECONDS)

    def _write(self, text: str) -> None:
        # A pipe that nobody reads any more is no reason to fail, nor a signal in the middle of a line.
        with contextlib.suppress(OSError, ValueError, RuntimeError):
            self._stream.write(f"{text}\n")
            self._stream.flush()
        if self._writer is not None:
            self._writer.put(text)

    def _begin_in_child(self) -> None:
        """Write by an object of the child's own: a thread of the parent may have held that of the parent."""
        with contextlib.suppress(OSError, ValueError):
            self._stream = open(  # noqa: SIM115  # a descriptor, for as long as the process lives
                self._stream.fileno(),
                "w",
                encoding=self._stream.encoding,
                errors="backslashreplace",
                closefd=False,
            )

    def _tell(self, event: Event) -> None:
        """Write down what concerns the log itself; past the loggers, whose locks may be held."""
        record = logging.LogRecord(__name__, logging.WARNING, __file__, 0, event, None, None)
        self._write(line(record, self.form, program=self._program))
