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

from settings_store.logs import EventLog
from settings_store.logs.line import places
from tasks.delivery.deliverer import Deliverer, PassResult
from tasks.delivery.room import Room
from tasks.delivery.turn import Turn
from tasks.strands import Strands

#: So long a batch goes on to the next one, at the most and at the least. It is what a notification of high
#: priority may have to wait for a slot beside one pass, so it is short; what is left goes to other slots.
#: Chance decides between the two: batches that began together would end together, and none in between.
BATCH_SECONDS: Final = 1.0
SHORTEST_BATCH_SECONDS: Final = 0.25

#: So long a batch that is not urgent waits for those before it: where servers answer at once each is over
#: soon, and all of them side by side would be cut off by the time above. It has a slot meanwhile.
PATIENCE_SECONDS: Final = 0.25

_log = EventLog(__name__)

Begin = Callable[[str], None]
#: Told the id and what became of it: a result, or the error that ended the pass.
End = Callable[[str, PassResult | Exception], None]


def deliver_many(
    deliverer: Deliverer,
    ids: Sequence[str],
    *,
    begin: Begin,
    end: End,
    stopping: Callable[[], bool],
    room: Room,
    strands: Strands,
    patience_seconds: float = 0.0,
    draw: Callable[[], float] = random.random,
    clock: Callable[[], float] = time.monotonic,
) -> list[str]:
    """Make a pass of each that is due; those that were not begun.

    Args:
        deliverer: Makes the passes.
        ids: Which, in order.
        begin: Hears of each before its pass.
        end: Hears of each after that.
        stopping: Whether this process is to end: then none is begun any more.
        room: Says how many passes are made at a time.
        strands: What they are made by.
        patience_seconds: How long it waits, at the most, for others to make room.
        draw: A random number from 0 to 1, for how long to go on.
        clock: Seconds that only grow.
    """
    more = room.take(len(ids), patience_seconds=patience_seconds) - 1
    until = clock() + SHORTEST_BATCH_SECONDS + draw() * (BATCH_SECONDS - SHORTEST_BATCH_SECONDS)
    left = deque(ids)
    # Those that may still come to a connection.
    going = 1 + more

    def goes_on() -> bool:
        return bool(left) and not stopping() and clock() < until

    def one_after_another(*, gives_way: bool) -> None:
        nonlocal going
        turn: Turn | None = None

        def following() -> Turn | None:
            nonlocal turn
            if turn is None and goes_on() and not (gives_way and room.is_crowded):
                turn = deliverer.turn(left.popleft())
            return turn

        while (now := following()) is not None:
            if not now.has_come and (stopping() or clock() >= until):
                # Its claim went astray, and time is over.
                left.appendleft(now.id)
                return
            turn = None
            _tell(begin, now.id)
            result: PassResult | Exception
            try:
                result = deliverer.take(now, following=following)
            except Exception as error:  # noqa: BLE001  # whatever it is, the others are not to wait for it
                result = error
            _tell(end, now.id, result)
            if going > 1 and _is_not_the_time(result):
                left.extend(_not_taken(now, result))
                going -= 1
                return

    def beside() -> None:
        nonlocal more
        try:
            one_after_another(gives_way=True)
        finally:
            more -= 1
            room.leave()

    try:
        # One alone has nobody to share a thread or a question with: to wait for a strand costs a tenth more.
        run = _make_here if room.is_for_one else strands.run
        run([lambda: one_after_another(gives_way=False), *[beside] * more])
    finally:
        # Those too of whoever never came to begin, or to an end.
        room.leave(1 + more, all_done=not left)
    return list(left)


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


def _tell(hears: Callable[..., None], *what: object) -> None:
    try:
        hears(*what)
    except Exception as error:  # noqa: BLE001  # what became of it is in the ledger, and the next is claimed
        _log.error("untold", error=type(error).__name__, at=places(error.__traceback__))
