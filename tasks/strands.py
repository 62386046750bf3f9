"""Calls that take turns in one thread: where one waits for a socket, another goes on.

Threads that wait for answers which come within a tenth of a millisecond spend more on taking turns with the
interpreter than on their work. Strands do the same with a switch of a stack (greenlet), and what they ask of
Redis while an answer is on its way goes together (`tasks.round_trip`).

The functions of this module may be called anywhere: outside of a strand they wait as any call does. Inside,
whatever waits by itself, as for a lock or a name server, is to be made `aside`; and no lock is to be held
while one of these functions waits, for whoever wants it next may be in the same thread.
"""

from __future__ import annotations

import contextlib
import contextvars
import select
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from greenlet import getcurrent, greenlet

from tasks.meanwhile import meanwhile

T = TypeVar("T")

#: What a strand may wait for on a socket. What else poll(2) tells, an end or an error, ends every wait.
READABLE: Final = select.POLLIN
WRITABLE: Final = select.POLLOUT

_NEVER: Final = float("inf")
_RINGS_HEARD: Final = 4_096

_here = threading.local()


class StrandsEnded(RuntimeError):
    """The thread of the strands is over, and they with it."""


@dataclass(slots=True, eq=False)
class _Call:
    """A call that is to be a strand; whose it is, for logs and traces; and what it raised."""

    call: Callable[[], object]
    context: contextvars.Context = field(default_factory=contextvars.copy_context)
    error: BaseException | None = None


class _Ends:
    """Some calls whose ends somebody waits for. One is enough for all of them: there are many a second."""

    def __init__(self, calls: int) -> None:
        self._left = calls
        self._lock = threading.Lock()
        self._all = threading.Event()

    def hear(self) -> None:
        """Another one has ended."""
        with self._lock:
            self._left -= 1
            if not self._left:
                self._all.set()

    def wait(self) -> None:
        """Wait for all of them."""
        self._all.wait()


@dataclass(slots=True)
class _Wait:
    """A strand that waits for a socket, and whether that got ready."""

    strand: greenlet
    events: int
    deadline: float
    is_ready: bool = False


class Strands:
    """The strands of a process. Their thread begins with the first of them; of no use to a child of a fork.

    Args:
        clock: Seconds that only grow.

    Attributes:
        kept: What belongs to all of them together, by whoever keeps it.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.kept: dict[object, Any] = {}
        self._clock = clock
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._loop = getcurrent()
        self._ready: deque[greenlet] = deque()
        #: From other threads, which ring for it.
        self._calls: deque[_Call] = deque()
        self._back: deque[greenlet] = deque()
        #: Those that somebody waits for, and who hears of their ends.
        self._awaited: dict[_Call, _Ends] = {}
        self._bell: socket.socket | None = None
        self._is_over = False
        self._poll = select.poll()
        self._waits: dict[int, list[_Wait]] = {}
        self._next_deadline = _NEVER

    def run(self, calls: Iterable[Callable[[], object]]) -> None:
        """Make calls as strands, from another thread, and return when all of them have ended.

        Raises:
            BaseException: What the first of them raised that did.
            StrandsEnded: They were closed, or their thread broke, before that.
        """
        given = [_Call(call) for call in calls]
        if not given:
            return
        ends = _Ends(len(given))
        with self._lock:
            if self._thread is None or self._is_over:
                self._begin_thread()
            self._awaited.update(dict.fromkeys(given, ends))
            self._calls.extend(given)
            self._ring()
            if self._is_over:
                self._give_up()
        ends.wait()
        for call in given:
            if call.error is not None:
                raise call.error

    def close(self) -> None:
        """End the thread; another run begins another one. Strands that are under way go no further."""
        with self._lock:
            thread, self._thread = self._thread, None
            if thread is None:
                return
            self._is_over = True
            self._ring()
            thread.join()
            self._hang_up()

    def begin(self, call: Callable[[], object]) -> None:
        """Begin another one, from a strand; it comes after those that are ready to go on."""
        self._begin(_Call(call))

    def park(self) -> None:
        """Let the others go on until one of them calls `wake`."""
        self._loop.switch()

    def wake(self, strand: greenlet) -> None:
        """Let a strand go on that is parked."""
        self._ready.append(strand)

    def wait(self, descriptor: int, events: int, seconds: float) -> bool:
        """Let the others go on until a socket is ready, so long at the most; whether it is."""
        mine = _Wait(getcurrent(), events, self._clock() + seconds)
        self._next_deadline = min(self._next_deadline, mine.deadline)
        if descriptor in self._waits:
            self._watch(descriptor, [*self._waits[descriptor], mine])
        else:
            self._waits[descriptor] = [mine]
            self._poll.register(descriptor, events)
        self.park()
        return mine.is_ready

    def aside(self, call: Callable[[], T]) -> T:
        """Make a call in a thread of its own, while the others go on."""
        strand, back = getcurrent(), self._back

        def give_back(_done: object) -> None:
            back.append(strand)
            self._ring()

        future = meanwhile(call)
        future.add_done_callback(give_back)
        self.park()
        return future.result()

    def _begin_thread(self) -> None:
        if self._thread is not None:
            self._thread.join()
            self._thread = None
            self._hang_up()
        heard, self._bell = socket.socketpair()
        for end in (heard, self._bell):
            end.setblocking(False)  # noqa: FBT003  # the standard library's signature
        # What is left of strands that went no further is not for this thread.
        self._ready, self._back, self._waits, self._poll = deque(), deque(), {}, select.poll()
        self._next_deadline = _NEVER
        self.kept.clear()
        self._is_over = False
        thread = threading.Thread(target=self._live, args=(heard,), name="strands", daemon=True)
        try:
            thread.start()
        except BaseException:
            heard.close()
            self._hang_up()
            raise
        self._thread = thread

    def _live(self, heard: socket.socket) -> None:
        _here.strands, self._loop = self, getcurrent()
        try:
            with heard:
                self._poll.register(heard, READABLE)
                while not self._is_over:
                    while self._ready:
                        self._ready.popleft().switch()
                    self._look(heard)
        finally:
            # Whoever comes from now on sees this; whoever came before is told here.
            self._is_over = True
            self._give_up()

    def _give_up(self) -> None:
        """Tell whoever waits that it does so in vain."""
        self._calls.clear()
        for call in tuple(self._awaited):
            self._end(call, StrandsEnded("the strands were ended"))

    def _end(self, call: _Call, error: BaseException | None) -> None:
        """Tell whoever waits for a call that it has ended; the first time counts."""
        ends = self._awaited.pop(call, None)
        if ends is not None:
            call.error = error
            ends.hear()

    def _begin(self, call: _Call) -> None:
        def live() -> None:
            try:
                call.call()
            except BaseException as error:  # noqa: BLE001  # whatever it is, it belongs to who waits for it
                self._end(call, error)
            else:
                self._end(call, None)

        strand = greenlet(live, parent=self._loop)
        strand.gr_context = call.context
        self._ready.append(strand)

    def _look(self, heard: socket.socket) -> None:
        """Wait until somebody can go on, or has to."""
        until = self._next_deadline
        wait_ms = None if until == _NEVER else max(until - self._clock(), 0.0) * 1000
        for descriptor, event in self._poll.poll(wait_ms):
            if descriptor in self._waits:
                self._come(descriptor, event)
            else:
                self._hear(heard)
        if self._clock() >= self._next_deadline:
            self._end_waits()

    def _come(self, descriptor: int, event: int) -> None:
        """Let those go on who wait for this."""
        left = []
        for each in self._waits[descriptor]:
            if event & (each.events | ~(READABLE | WRITABLE)):
                each.is_ready = True
                self._ready.append(each.strand)
            else:
                left.append(each)
        self._watch(descriptor, left)

    def _end_waits(self) -> None:
        """Let those go on whose time is over."""
        now, self._next_deadline = self._clock(), _NEVER
        for descriptor, waits in tuple(self._waits.items()):
            left = [each for each in waits if each.deadline > now]
            if len(left) < len(waits):
                self._ready.extend(each.strand for each in waits if each.deadline <= now)
                self._watch(descriptor, left)
            self._next_deadline = min([self._next_deadline, *(each.deadline for each in left)])

    def _watch(self, descriptor: int, waits: list[_Wait]) -> None:
        """Have poll(2) look for what is waited for there."""
        if not waits:
            del self._waits[descriptor]
            self._poll.unregister(descriptor)
            return
        events = 0
        for each in waits:
            events |= each.events
        self._poll.register(descriptor, events)
        self._waits[descriptor] = waits

    def _hear(self, heard: socket.socket) -> None:
        """Take what other threads rang for."""
        with contextlib.suppress(BlockingIOError):
            heard.recv(_RINGS_HEARD)
        while self._calls:
            self._begin(self._calls.popleft())
        while self._back:
            self._ready.append(self._back.popleft())

    def _ring(self) -> None:
        bell = self._bell
        if bell is not None:
            # Where its buffer is full it rings already; where it is closed nobody is there.
            with contextlib.suppress(OSError):
                bell.send(b"\0")

    def _hang_up(self) -> None:
        bell, self._bell = self._bell, None
        if bell is not None:
            bell.close()


def strands() -> Strands | None:
    """Those that the caller is one of; None outside of a strand."""
    found: Strands | None = getattr(_here, "strands", None)
    return found


def wait_until_readable(peer: socket.socket, seconds: float) -> bool:
    """Wait so long at the most for something to read, or the end; whether there is."""
    return _wait(peer, READABLE, seconds)


def wait_until_writable(peer: socket.socket, seconds: float) -> bool:
    """Wait so long at the most for room to write; whether there is."""
    return _wait(peer, WRITABLE, seconds)


def _wait(peer: socket.socket, events: int, seconds: float) -> bool:
    here = strands()
    if here is not None and seconds > 0:
        return here.wait(peer.fileno(), events, seconds)
    # Not select(): it cannot look at descriptors from 1024 on.
    poll = select.poll()
    poll.register(peer, events)
    return bool(poll.poll(max(seconds, 0.0) * 1000))


def aside(call: Callable[[], T]) -> T:
    """Make a call that may wait by itself, without keeping other strands from going on."""
    here = strands()
    return call() if here is None else here.aside(call)
