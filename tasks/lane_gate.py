"""Which of the messages that a broker has pushed to a worker go on to it, and when.

Redis is asked for one message at a time, so the order of the lanes holds at each look. RabbitMQ pushes as
many of each queue as it may, and a worker that took them as they come would have a message of high priority
wait behind all those of low priority that came before. They wait here instead, and cost no slot.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

from tasks import queue_order
from tasks.queue_order import LaneOrder


class LaneGate:
    """Holds messages, and lets as many through as may be unacknowledged at once, in the lanes' order.

    It is used by the one thread that reads from the broker.

    Attributes:
        credit: How many that went through may be unacknowledged; 0 is no limit.
    """

    def __init__(self, order: LaneOrder | None = None) -> None:
        self.credit = 0
        self._order: Final = order or LaneOrder()
        self._held: dict[str, deque[tuple[int, Callable[[], object]]]] = {}
        self._through: set[int] = set()
        self._letting = False

    def open_lane(self, queue: str) -> None:
        """Begin to take messages of a queue."""
        self._held.setdefault(queue, deque())
        self._order.update(self._held)

    def close_lane(self, queue: str) -> list[int]:
        """Take no more of a queue; the tags of those that are held, for whoever gives them back."""
        held = self._held.pop(queue, deque())
        self._order.update(self._held)
        return [tag for tag, _ in held]

    def take(self, queue: str, tag: int, hand_over: Callable[[], object]) -> None:
        """Hold a message, and let through what may go.

        Args:
            queue: Whose lane is open.
            tag: Names the message.
            hand_over: Called when it goes through.
        """
        self._held[queue].append((tag, hand_over))
        self.let_through()

    def is_unsettled(self, tag: int) -> bool:
        """Whether this message went through and is neither acknowledged nor given back."""
        return tag in self._through

    def settle(self, tag: int) -> None:
        """Hear that a message is acknowledged or given back; the next goes through."""
        self._through.discard(tag)
        self.let_through()

    def let_through(self) -> None:
        """Let through what may go now: the share of a lane can have grown since the last message."""
        if self._letting:
            # A message was settled while it was handed over; the loop below goes on with the next.
            return
        self._letting = True
        try:
            while not queue_order.takes_none() and (not self.credit or len(self._through) < self.credit):
                queue = self._next()
                if queue is None:
                    return
                tag, hand_over = self._held[queue].popleft()
                self._through.add(tag)
                hand_over()
        finally:
            self._letting = False

    def _next(self) -> str | None:
        looked_at = self._order.consume(len(self._held))
        return next((queue for queue in looked_at if self._held[queue]), None)
