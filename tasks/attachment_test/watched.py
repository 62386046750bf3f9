"""Files and schedulers as deliveries use them, which tell of what is read from them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Final

from settings_store.snapshot import Snapshot
from tasks.attachment_test.progress import Progress
from tasks.attachments.fitting import MEGABYTE
from tasks.attachments.job_output.provider import JobOutputProvider, Listed, Output, StillWorking
from tasks.attachments.source import OpenFile, OpensPath
from tasks.attachments.steps import Step

#: So often is told how much of a file was read.
_TELL_EVERY_SECONDS: Final = 0.25


class WatchedPlace:
    """A place of files whose reading is told.

    Args:
        place: The place.
        progress: Told of each reading.
        clock: Seconds that only grow.
    """

    def __init__(
        self, place: OpensPath, progress: Progress, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._place = place
        self._progress = progress
        self._clock = clock

    def open(self, path: str, options: Snapshot, *, seconds: float) -> OpenFile:
        """The file, open."""
        return _WatchedFile(self._place.open(path, options, seconds=seconds), self._progress, self._clock)


class _WatchedFile:
    def __init__(self, file: OpenFile, progress: Progress, clock: Callable[[], float]) -> None:
        self._file = file
        self._progress = progress
        self._clock = clock

    @property
    def name(self) -> str:
        """The name without any folder."""
        return self._file.name

    @property
    def size_bytes(self) -> int:
        """The size when it was opened."""
        return self._file.size_bytes

    def blocks(self) -> Iterator[bytes]:
        """The content in blocks, each counted."""
        read_bytes = 0
        began = told = self._clock()
        with self._progress.lasting(Step.READ) as stage:
            for block in self._file.blocks():
                read_bytes += len(block)
                if self._clock() - told >= _TELL_EVERY_SECONDS:
                    told = self._clock()
                    self._progress.read(stage, read_bytes)
                yield block
        seconds = self._clock() - began
        # Of a file of a few bytes a speed would say nothing.
        speed = round(read_bytes / MEGABYTE / seconds, 2) if read_bytes >= MEGABYTE and seconds else None
        self._progress.ended(Step.READ, bytes=read_bytes, mb_per_second=speed)

    def close(self) -> None:
        """Give it back."""
        self._file.close()


class WatchedScheduler:
    """A scheduler whose questions are told; see `JobOutputProvider`.

    Args:
        scheduler: The scheduler.
        progress: Told of each question.
        asked: What was asked for by each action; kept from one look to the next.
    """

    def __init__(self, scheduler: JobOutputProvider, progress: Progress, asked: dict[str, str]) -> None:
        self._scheduler = scheduler
        self._progress = progress
        self._asked = asked

    def ask_for_list(self, job_number: int) -> str:
        """Ask which outputs a job has."""
        with self._progress.lasting(Step.LIST):
            return self._scheduler.ask_for_list(job_number)

    def look_at_list(self, action: str) -> StillWorking | Listed:
        """What became of it."""
        with self._progress.lasting(Step.LIST):
            answer = self._scheduler.look_at_list(action)
        if isinstance(answer, Listed):
            self._progress.ended(Step.LIST, outputs=len(answer.paths))
        return answer

    def ask_for_output(self, job_number: int, path: str) -> str:
        """Ask for an output."""
        with self._progress.lasting(Step.OUTPUT, path):
            action = self._scheduler.ask_for_output(job_number, path)
        self._asked[action] = path
        return action

    def look_at_output(self, action: str) -> StillWorking | Output:
        """What became of it."""
        path = self._asked.get(action, "")
        with self._progress.lasting(Step.OUTPUT, path):
            answer = self._scheduler.look_at_output(action)
        if isinstance(answer, Output):
            self._progress.ended(Step.OUTPUT, path, bytes=len(answer.text.encode("utf-8", "replace")))
        return answer

    def close(self) -> None:
        """End the connection."""
        self._scheduler.close()
