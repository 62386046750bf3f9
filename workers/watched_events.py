"""Events of tasks go out while somebody watches: nobody hears them else, and they cost a fifth of a task.

Redis says of each message on a channel how many heard it. As long as none did, events are kept for a second,
and the next ones ask again. Who begins to watch misses nothing of what happens from then on.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any, Final

from celery.app.events import Events
from celery.events.dispatcher import EventDispatcher
from celery.events.event import Event
from celery.utils.time import utcoffset

#: After nobody heard an event, the next one goes out so much later.
ASK_AGAIN_SECONDS: Final = 1.0
_TASK: Final = "task"
_OF_TASKS: Final = f"{_TASK}.multi"
#: As many go in one message as Celery itself puts there.
_AT_ONCE: Final = 24
#: So many wait for a broker that is away; then the oldest go. Flower itself shows no more tasks than that.
MOST_WAITING: Final = 10_000


class WatchedDispatcher(EventDispatcher):
    """Celery's dispatcher, silent while nobody hears it; just that where the broker does not count."""

    clock_seconds: Callable[[], float] = staticmethod(time.monotonic)

    def __init__(self, *args: Any, **options: Any) -> None:
        self._kept: list[Any] = []
        self._silent_until = 0.0
        super().__init__(*args, **options)
        self._flush_soon: Any = self.on_send_buffered  # type: ignore[has-type]  # Celery has no types
        if self._flush_soon is not None:
            self.on_send_buffered = self._flush_soon_if_heard
            # The loop flushes, and it alone waits for the broker: passes would, with all that go beside them.
            self.buffer_limit = sys.maxsize

    def _flush_soon_if_heard(self) -> None:
        """Wake the loop that flushes; in the silence it has nothing to do, and its timer ends that."""
        if self.clock_seconds() >= self._silent_until:
            self._flush_soon()

    def send(self, type: str, **fields: Any) -> Any:  # noqa: A002  # Celery's signature
        """Send an event; one of a task is made when it goes out, for most of them nobody hears."""
        if not type.startswith("task-") or _TASK not in self.buffer_group or self.on_send_buffered is None:
            return super().send(type, **fields)
        if self.enabled and not (self.groups and _TASK not in self.groups):
            waiting = self._group_buffer[_TASK]
            waiting.append((type, time.time(), fields))
            if len(waiting) > MOST_WAITING:
                del waiting[0]
            self.on_send_buffered()
        return None

    def _made(self, told: Any) -> Any:
        """The event of what was told, as Celery makes it; one that is made already as it is."""
        if isinstance(told, dict):
            return told
        type_, at, fields = told
        about = {"hostname": self.hostname, "utcoffset": utcoffset(), "pid": self.pid, "timestamp": at}
        return Event(type_, **about, clock=self.clock.forward(), **fields)

    def _publish(self, event: Any, producer: Any, routing_key: str, *args: Any, **options: Any) -> Any:
        if routing_key != _OF_TASKS:
            return super()._publish(event, producer, routing_key, *args, **options)
        self._kept += event
        if self.clock_seconds() < self._silent_until:
            return None
        while self._kept:
            some = [self._made(told) for told in self._kept[:_AT_ONCE]]
            super()._publish(some, producer, routing_key, *args, **options)
            del self._kept[: len(some)]
            if getattr(getattr(producer, "channel", None), "heard_by", None) == 0:
                # Whoever comes after this message missed none of those before it.
                self._kept.clear()
                self._silent_until = self.clock_seconds() + ASK_AGAIN_SECONDS
        return None

    def extend_buffer(self, other: Any) -> None:
        """Take over what one before could not send, as its broker was lost: the passes went on meanwhile."""
        super().extend_buffer(other)
        if isinstance(other, WatchedDispatcher):
            self._kept += other.surrender()

    def surrender(self) -> list[Any]:
        """What is told and was not sent, in its order; it is the caller's from now on."""
        told, self._kept = [*self._kept, *self._group_buffer.pop(_TASK, [])], []
        return told

    def flush(self, errors: bool = True, groups: bool = True) -> None:  # noqa: FBT001, FBT002  # Celery's signature
        """Send what waits, once the silence is over also what was kept in it."""
        super().flush(errors=errors, groups=groups)
        if groups and self._kept:
            with self.mutex:
                if not self._closed:
                    self._publish([], self.producer, _OF_TASKS)


class WatchedEvents(Events):
    """Makes such dispatchers."""

    dispatcher_cls = WatchedDispatcher
