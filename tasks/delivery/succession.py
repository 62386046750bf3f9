"""Passes one after another in one place: its own, and then those that wait for the connection that it has."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Final

from settings_store.logs import EventLog
from settings_store.logs.line import places
from tasks.delivery.deliverer import Deliverer, PassResult
from tasks.delivery.room import Room
from tasks.delivery.turn import Freed, Turn

#: So long a place is used for one after another, at the most and at the least. It is what a notification of
#: high priority may have to wait for a slot beside one pass, so it is short; the rest goes to other slots.
#: Chance decides between the two: those that began together would end together, and none in between.
LONGEST_SECONDS: Final = 1.0
SHORTEST_SECONDS: Final = 0.25

#: Told the id and how many passes were made before.
Begin = Callable[[str, int], None]
#: Told the id and what became of it: a result, or the error that ended the pass.
End = Callable[[str, PassResult | Exception], None]

#: Told of a connection that nobody goes on with, for which others may wait.
Call = Callable[[Freed], object]

_log = EventLog(__name__)


class Succession:
    """Whose turn is next in a place.

    Args:
        deliverer: Knows the turns.
        own: Gives the next of those that the place was given for; None where there is none, or not now.
        takes_in_line: Whether one that waits for a connection may be taken now.

    Attributes:
        left_free: A connection that nobody was taken for, though others may wait for it.
    """

    def __init__(
        self, deliverer: Deliverer, *, own: Callable[[], Turn | None], takes_in_line: Callable[[], bool]
    ) -> None:
        self._deliverer = deliverer
        self._own = own
        self._takes_in_line = takes_in_line
        self._turn: Turn | None = None
        self.left_free: Freed | None = None

    def following(self, freed: Freed | None = None) -> Turn | None:
        """Whose turn will be next; the same until `next` gives it."""
        if self._turn is None:
            self._turn = self._own()
        self.left_free = None
        if self._turn is None and freed is not None:
            if self._takes_in_line():
                self._turn = self._deliverer.turn_in_line(freed)
            else:
                self.left_free = freed
        return self._turn

    @property
    def has_next(self) -> bool:
        """Whether it is said already whose turn will be next, and may be claimed."""
        return self._turn is not None and not self._turn.is_nobodys

    def next(self) -> Turn | None:
        """Whose turn it is now."""
        turn, self._turn = self._turn or self._own(), None
        return None if turn is None or turn.is_nobodys else turn


def is_over_after(draw: Callable[[], float], clock: Callable[[], float]) -> Callable[[], bool]:
    """Tells when the time is over of a place that is begun to be used now."""
    until = clock() + SHORTEST_SECONDS + draw() * (LONGEST_SECONDS - SHORTEST_SECONDS)
    return lambda: clock() >= until


def deliver_one(
    deliverer: Deliverer,
    notification_id: str,
    *,
    begin: Begin,
    end: End,
    call: Call,
    stopping: Callable[[], bool],
    room: Room,
    for_long: bool = True,
    draw: Callable[[], float] = random.random,
    clock: Callable[[], float] = time.monotonic,
) -> PassResult | None:
    """Make a pass of one, and of others as long as they wait for the connection that it had.

    Args:
        deliverer: Makes the passes.
        notification_id: Which.
        begin: Hears of each of the others before its pass.
        end: Hears of each after that; of the first too, where others follow.
        call: Hears of a connection for which others may wait, where the time is over.
        stopping: Whether this process is to end: then none is begun any more.
        room: Says how many passes are made at a time.
        for_long: As for `Room.staying`.
        draw: A random number from 0 to 1, for how long to go on.
        clock: Seconds that only grow.

    Returns:
        What became of it; None where `end` was told.

    Raises:
        redis.RedisError: The ledger did not answer; see `Deliverer.deliver`.
    """
    time_is_over = is_over_after(draw, clock)
    with room.one(), room.staying(for_long=for_long) as stays:
        succession = Succession(
            deliverer,
            own=lambda: None,
            takes_in_line=lambda: not stopping() and (not time_is_over() or stays()),
        )
        result = deliverer.deliver(notification_id, following=succession.following)
        now = succession.next()
        is_told = now is not None
        if is_told:
            tell(end, notification_id, result)
        while now is not None:
            make_pass(deliverer, now, succession, begin=begin, end=end)
            now = succession.next()
    if succession.left_free and not stopping():
        tell(call, succession.left_free)
    return None if is_told else result


def make_pass(
    deliverer: Deliverer, turn: Turn, succession: Succession, *, begin: Begin, end: End
) -> PassResult | Exception:
    """Make the pass of one of several: whatever ends it, the others are not to wait for it."""
    tell(begin, turn.id, turn.passes)
    result: PassResult | Exception
    try:
        result = deliverer.take(turn, following=succession.following)
    except Exception as error:  # noqa: BLE001  # it is told to whoever hears of the end
        result = error
    tell(end, turn.id, result)
    return result


def tell(hears: Callable[..., object], *what: object) -> None:
    """Tell of one of several; what cannot be told is logged."""
    try:
        hears(*what)
    except Exception as error:  # noqa: BLE001  # what became of it is in the ledger, and the next is claimed
        _log.error("untold", error=type(error).__name__, at=places(error.__traceback__))
