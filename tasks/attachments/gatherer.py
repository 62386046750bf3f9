"""Opens everything that a notification wants to send along, before any server is asked."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import redis

from settings_store.errors import SettingsError
from settings_store.snapshot import Snapshot
from tasks.attachments.content import Content
from tasks.attachments.file_names import numbered, safe_name
from tasks.attachments.gathered import Gathered, GatheringStopped, Wait
from tasks.attachments.item import Item
from tasks.attachments.job_output.collector import JobOutputs
from tasks.attachments.place import Place, place_of
from tasks.attachments.scope import Scope
from tasks.attachments.source import AttachmentFault, Fault, OpenFile, OpensPath
from tasks.attachments.text_type import charset_of
from tasks.notification_document import (
    Attachment,
    FileAttachment,
    InlineAttachment,
    JobOutputAttachment,
)

#: All opening together ends by this, well within the time a walk may take.
GATHER_MAX_SECONDS: Final = 60.0
#: A file that cannot be had at the moment is asked for again after this.
LOOK_AGAIN_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Places:
    """Who opens the paths of which place.

    Attributes:
        local: Paths of the worker's machine.
        shares: Paths on network shares; None where this process cannot read any.
    """

    local: OpensPath
    shares: OpensPath | None = None


class Gatherer:
    """Gathers the files of a notification; one a process, safe between threads.

    Args:
        places: Who opens paths.
        jobs: Who collects the output of jobs.
        clock: Seconds that only grow.
        stopping: Whether this process is to end.
    """

    def __init__(
        self,
        places: Places,
        jobs: JobOutputs,
        *,
        clock: Callable[[], float] = time.monotonic,
        stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        self._places = places
        self._jobs = jobs
        self._clock = clock
        self._stopping = stopping

    def gather(self, wanted: Sequence[Attachment], scope: Scope) -> Gathered:
        """Open what is wanted, in order; what cannot be had has its fault in its place.

        Args:
            wanted: As the notification has them.
            scope: The pass.

        Raises:
            GatheringStopped: This process is to end, and not everything is here.
            settings_store.errors.SecretFault: This process cannot open a password that it needs.
        """
        jobs = {
            place: attachment.job_output
            for place, attachment in enumerate(wanted)
            if isinstance(attachment, JobOutputAttachment)
        }
        outputs = self._jobs.collect(jobs, scope) if jobs else {}
        if jobs and self._stopping():
            # What a look that was cut short says of the jobs is no answer of the scheduler's.
            raise GatheringStopped
        if isinstance(outputs, Wait):
            return Gathered(wait=outputs)
        gathered = Gathered()
        with contextlib.ExitStack() as opened:
            opened.callback(gathered.close)
            ends = self._clock() + GATHER_MAX_SECONDS
            for place, attachment in enumerate(wanted):
                gathered.items += outputs.get(place) or self._resolved(attachment, scope.options, ends)
                if self._stopping() and (place + 1 < len(wanted) or gathered.trouble):
                    # What cannot be had now may be what a fetch was cut short by; others have the time.
                    raise GatheringStopped
            _name(gathered.items)
            wait = _wait(gathered.items, scope)
            if wait is not None:
                return Gathered(wait=wait)
            opened.pop_all()
        return gathered

    def _resolved(self, attachment: Attachment, options: Snapshot, ends: float) -> Iterator[Item]:
        if isinstance(attachment, InlineAttachment):
            item = self._item(attachment.name, attachment.name, lambda: _inline(attachment))
            item.is_inline = True
            yield item
        elif isinstance(attachment, FileAttachment):
            path = attachment.path
            yield self._item(path, path, lambda: self._open(path, options, ends))

    def _item(self, asked: str, name: str, opens: Callable[[], OpenFile]) -> Item:
        item = Item(asked, safe_name(name), clock=self._clock)
        began = self._clock()
        try:
            item.source = opens()
            item.name = safe_name(item.source.name)
            item.charset = charset_of(item.name, item)
        except AttachmentFault as fault:
            item.fault = fault
        except (SettingsError, redis.RedisError):
            # Not this file's fault but this worker's, or the ledger's: the pass is given back.
            raise
        except Exception as error:  # noqa: BLE001  # a place is somebody else's code, and its words may quote
            item.fault = AttachmentFault(Fault.BROKEN, f"it cannot be opened ({type(error).__name__})")
        item.seconds = self._clock() - began
        return item

    def _open(self, path: str, options: Snapshot, ends: float) -> OpenFile:
        seconds = ends - self._clock()
        if seconds <= 0:
            raise AttachmentFault(Fault.LATE, "the other attachments left no time for it")
        match place_of(path):
            case Place.LOCAL:
                return self._places.local.open(path, options, seconds=seconds)
            case Place.SHARE if self._places.shares is not None:
                return self._places.shares.open(path, options, seconds=seconds)
            case Place.SHARE:
                raise AttachmentFault(Fault.NOT_ALLOWED, "this worker does not read network shares")
        raise AttachmentFault(Fault.NOT_ALLOWED, "it is neither on a network share nor an absolute path")


def _inline(attachment: InlineAttachment) -> Content:
    return Content(attachment.name, attachment.content)


def _name(items: Sequence[Item]) -> None:
    """Give each file a name of its own."""
    for item, name in zip(items, numbered([item.name for item in items]), strict=True):
        item.name = name


def _wait(items: Sequence[Item], scope: Scope) -> Wait | None:
    """Whether to wait a moment for a file that may be had soon."""
    if not any(item.fault and item.fault.is_passing for item in items):
        return None
    memory, patience_seconds = scope.memory, scope.options.number("attachments.patience_seconds")
    memory.file_awaited_since_ms = memory.file_awaited_since_ms or scope.now_ms
    left_ms = memory.file_awaited_since_ms + patience_seconds * 1000 - scope.now_ms
    if left_ms <= 0:
        return None
    words = Gathered(list(items)).trouble
    return Wait(min(LOOK_AGAIN_SECONDS, left_ms / 1000), f"waits a moment for {words}")
