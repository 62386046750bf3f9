"""Begins the log of a process, and keeps it as the options say."""

from __future__ import annotations

import contextlib
import logging
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO, cast

import redis

from settings_store.errors import SettingsError
from settings_store.logs.handler import LogHandler
from settings_store.logs.line import Form
from settings_store.logs.others import OURS, RUNNERS
from settings_store.logs.rotated_file import RotatedFile
from settings_store.snapshot import Snapshot

#: A saved option holds within a second.
LOOK_EVERY_SECONDS: Final = 0.5
_KB: Final = 1024
#: Those that the option allows; `logging` itself may know names that a library gave it.
_LEVELS: Final = {
    "DEBUG": logging.DEBUG,
    "INFO": logging.INFO,
    "WARNING": logging.WARNING,
    "ERROR": logging.ERROR,
}


@dataclass(frozen=True, slots=True)
class LogSettings:
    """What the options say of logs."""

    level: int
    form: Form
    maximum_bytes: int
    kept: int

    @classmethod
    def of(cls, snapshot: Snapshot) -> LogSettings:
        """Those of a snapshot."""
        return cls(
            # Another version of this program may know more of them.
            level=_LEVELS.get(snapshot.text("logging.level"), logging.INFO),
            form=cast("Form", snapshot.text("logging.format")),
            maximum_bytes=snapshot.number("logging.maximum_file_size") * _KB,
            kept=snapshot.number("logging.files_kept"),
        )


class Logs:
    """The log of this process: whatever any logger says goes through it.

    Args:
        program: What the process is: `worker`, `console`, `flower`.
        file: Where lines go besides standard error; None for nowhere.
        stream: Standard error, unless tests want another.
        everything: Write from DEBUG on, whatever the options say.

    Attributes:
        handler: The one that the root logger has.
    """

    def __init__(
        self, program: str, file: Path | None, *, stream: TextIO | None = None, everything: bool = False
    ) -> None:
        default = LogSettings.of(Snapshot(revision=0))
        self._file = (
            RotatedFile(file, maximum_bytes=default.maximum_bytes, kept=default.kept) if file else None
        )
        # What was standard error when the process began: Celery puts a logger in its place.
        self.handler = LogHandler(program, stream or sys.__stderr__ or sys.stderr, self._file)
        self._everything = everything
        self._stop = threading.Event()
        self._root = logging.getLogger()
        self._before = list(self._root.handlers)
        self._root.handlers[:] = [self.handler]
        for name in RUNNERS:
            # Some bring a handler of their own, which would write each line a second time.
            logging.getLogger(name).handlers[:] = []
        self.use(default)

    def use(self, settings: LogSettings) -> None:
        """Write so from now on."""
        level = logging.DEBUG if self._everything else settings.level
        self.handler.form = settings.form
        self.handler.least = level
        if self._file is not None:
            self._file.maximum_bytes, self._file.kept = settings.maximum_bytes, settings.kept
        # The handler decides; this spares the making of what it would leave out.
        self._root.setLevel(max(level, logging.WARNING))
        for name in (*OURS, *RUNNERS):
            logging.getLogger(name).setLevel(level)

    def follow(self, snapshot: Callable[[], Snapshot]) -> None:
        """Keep to the options, by a thread of its own; call it again in a child.

        Args:
            snapshot: Reads the options as they hold.
        """
        threading.Thread(target=self._follow, args=(snapshot,), name="log-options", daemon=True).start()

    def end(self) -> None:
        """Give the root logger back what it had; for tests."""
        self._stop.set()
        self.handler.flush()
        self._root.handlers[:] = self._before

    def _follow(self, snapshot: Callable[[], Snapshot]) -> None:
        while not self._stop.wait(LOOK_EVERY_SECONDS):
            # What held last holds on, while Redis is away or what it has cannot be read.
            with contextlib.suppress(redis.RedisError, SettingsError, OSError):
                self.use(LogSettings.of(snapshot()))
