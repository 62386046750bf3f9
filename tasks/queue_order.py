"""In which order a worker looks at the lanes' queues for its next message."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Final

from tasks.ledger import LANES

QUEUE_OF_LANE: Final = {lane: f"notify.{lane}" for lane in LANES}

#: One look in so many begins at the other end, so that the lowest lane moves under any load.
TURN_FOR_THE_LAST: Final = 10

_left_out: list[Callable[[], Collection[str]]] = []
_enough: list[Callable[[], bool]] = []


def leave_out(queues: Callable[[], Collection[str]]) -> None:
    """Say which queues are not looked at while others are consumed; asked at each look, the last word counts.

    What waits there stays there: it is for other workers, or for a later look.
    """
    _left_out[:] = [queues]


def take_none_while(has_enough: Callable[[], bool]) -> None:
    """Say while what no message is taken at all; asked before each, the last word counts.

    What waits in a worker for a slot is passed by nobody.
    """
    _enough[:] = [has_enough]


def takes_none() -> bool:
    """Whether no message is to be taken now."""
    return bool(_enough) and _enough[0]()


class LaneOrder:
    """High first and low last, but now and then the other way round; made for kombu's `queue_order_strategy`.

    kombu's own strategies take the queues from a set: their order would differ from worker to worker.
    """

    def __init__(self, queues: Iterable[str] = ()) -> None:
        self._queues: list[str] = list(queues)
        self._looks = 0

    def update(self, queues: Iterable[str]) -> None:
        """Take over which queues are consumed."""
        self._queues = sorted(queues, key=_rank)

    def consume(self, count: int) -> list[str]:
        """The queues in the order of this look."""
        self._looks += 1
        queues = self._looked_at()
        if self._looks % TURN_FOR_THE_LAST == 0:
            return queues[::-1][:count]
        return queues[:count]

    def _looked_at(self) -> list[str]:
        left_out = _left_out[0]() if _left_out else ()
        # A worker that consumes nothing else is there for just these.
        return [queue for queue in self._queues if queue not in left_out] or self._queues

    def rotate(self, last_used: str) -> str:
        """Nothing: the order does not depend on where the last message came from."""
        return last_used


def _rank(queue: str) -> tuple[int, str]:
    lane = queue.rpartition(".")[2]
    return (LANES.index(lane) if lane in LANES else len(LANES), queue)
