"""Many notifications, some of them side by side in one thread: each as if it had come by itself.

Nothing is claimed ahead: each is claimed when the one before is finished, in one round trip. A worker that
dies holds those that it sends, and one that is slow keeps none of the others.
"""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from tasks.delivery.deliverer import Deliverer, PassResult
from tasks.delivery.room import Room
from tasks.delivery.succession import Begin, Call, End, Succession, is_over_after, make_pass, tell
from tasks.delivery.turn import Turn
from tasks.strands import Strands, aside

#: So long a batch that is not urgent waits for those before it: where servers answer at once each is done
#: sooner than that, and all of them side by side would be cut off by their time. It has a slot meanwhile.
PATIENCE_SECONDS: Final = 0.25


def deliver_many(
    deliverer: Deliverer,
    ids: Sequence[str],
    *,
    begin: Begin,
    end: End,
    put_back: Callable[[Sequence[str]], object],
    call: Call,
    stopping: Callable[[], bool],
    room: Room,
    strands: Strands,
    patience_seconds: float = 0.0,
    draw: Callable[[], float] = random.random,
    clock: Callable[[], float] = time.monotonic,
) -> int:
    """Make a pass of each that is due; how many were not begun.

    Those that have connections for which others wait go on with these.

    Args:
        deliverer: Makes the passes.
        ids: Which, in order.
        begin: Hears of each before its pass.
        end: Hears of each after that.
        put_back: Given those that were not begun, as soon as this is known.
        call: Hears of connections for which others may wait, where time is over.
        stopping: Whether this process is to end: then none is begun any more.
        room: Says how many passes are made at a time.
        strands: What they are made by.
        patience_seconds: How long it waits, at the most, for others to make room.
        draw: A random number from 0 to 1, for how long to go on.
        clock: Seconds that only grow.
    """
    places = room.take(len(ids), patience_seconds=patience_seconds)
    began = clock()
    batch = _Batch(
        deliverer,
        ids,
        places,
        begin=begin,
        end=end,
        put_back=put_back,
        call=call,
        stopping=stopping,
        room=room,
        time_is_over=is_over_after(draw, clock),
    )
    try:
        # One alone has nobody to share a thread or a question with: to wait for a strand costs a tenth more.
        run = _make_here if room.is_for_one else strands.run
        run([batch.go, *[batch.go_beside] * (places - 1)])
    finally:
        try:
            batch.put_rest_back()
        finally:
            # Those too of whoever never came to begin, or to an end.
            is_soon_done = not batch.not_begun and clock() - began < PATIENCE_SECONDS
            room.leave(batch.places, soon_done=is_soon_done)
    return batch.not_begun


class _Batch:
    """What the strands of a batch have together.

    Attributes:
        places: So many of the room's it has.
        not_begun: So many were put back.
    """

    def __init__(
        self,
        deliverer: Deliverer,
        ids: Sequence[str],
        places: int,
        *,
        begin: Begin,
        end: End,
        put_back: Callable[[Sequence[str]], object],
        call: Call,
        stopping: Callable[[], bool],
        room: Room,
        time_is_over: Callable[[], bool],
    ) -> None:
        self._deliverer = deliverer
        self._left = deque(ids)
        self.places = places
        self.not_begun = 0
        # Those that may still come to a connection.
        self._going = places
        self._begin = begin
        self._end = end
        self._put_back = put_back
        self._call = call
        self._stopping = stopping
        self._room = room
        self._time_is_over = time_is_over

    def go(self) -> None:
        """Make passes in the place of the slot itself."""
        self._make_passes(gives_way=False)

    def go_beside(self) -> None:
        """Make passes in a place that is given back as soon as somebody waits for it."""
        try:
            self._make_passes(gives_way=True)
        finally:
            self.places -= 1
            self._room.leave()

    def put_rest_back(self) -> None:
        """Put back what was not begun."""
        rest = list(self._left)
        self._left.clear()
        if rest:
            self.not_begun += len(rest)
            # Where that fails they are due as before, and whoever is claimed already is not to suffer for it.
            aside(lambda: tell(self._put_back, rest))

    def _make_passes(self, *, gives_way: bool) -> None:
        def has_place() -> bool:
            return not self._stopping() and not (gives_way and self._room.is_crowded)

        with self._room.staying() as stays:
            succession = Succession(
                self._deliverer,
                own=lambda: self._own() if has_place() else None,
                takes_in_line=lambda: has_place() and (not self._time_is_over() or stays()),
            )
            while (now := succession.next()) is not None:
                if not now.has_come and (self._stopping() or self._time_is_over()):
                    # Its claim went astray, and time is over.
                    self._left.appendleft(now.id)
                    return
                if self._time_is_over():
                    # This may go on for long with those that wait in line; its own are not to wait for that.
                    self.put_rest_back()
                result = make_pass(self._deliverer, now, succession, begin=self._begin, end=self._end)
                # Whoever was claimed in the round trip that ended the pass is nobody else's now.
                if self._going > 1 and not succession.has_next and _is_not_the_time(result):
                    self._left.extend(_not_taken(now, result))
                    self._going -= 1
                    return
        if succession.left_free and not self._stopping():
            freed = succession.left_free
            aside(lambda: tell(self._call, freed))

    def _own(self) -> Turn | None:
        if not self._left or self._stopping() or self._time_is_over():
            return None
        return self._deliverer.turn(self._left.popleft())


def _is_not_the_time(result: PassResult | Exception) -> bool:
    """Whether the next one would only be sent back as well, while others of the batch go on.

    They have the connections that there are; or one of them is at what a worker died over, of which a process
    tries one at a time: the others of that kind follow there.
    """
    if isinstance(result, Exception):
        return False
    return result.lacks_connection or (not result.ran and result.state == "queued")


def _not_taken(turn: Turn, result: PassResult | Exception) -> list[str]:
    return [] if isinstance(result, PassResult) and result.ran else [turn.id]


def _make_here(calls: Iterable[Callable[[], None]]) -> None:
    for call in calls:
        call()
