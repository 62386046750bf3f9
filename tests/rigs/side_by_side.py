"""Batches of one process, and what became of each of their notifications."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from tasks.delivery.batch import deliver_many
from tasks.delivery.deliverer import Deliverer, PassResult
from tasks.delivery.room import Room
from tasks.strands import Strands
from tests.rigs.delivery_bench import Bench
from tests.rigs.delivery_servers import MailServer

LONG = 60.0
IDS = tuple(f"n{number}" for number in range(1, 13))
DELIVERED = dict.fromkeys(IDS, "delivered")


def not_stopping() -> bool:
    return False


class Batch:
    """What a process has for its batches, and what became of them.

    Attributes:
        begun: Those that were begun, in order.
        became: What became of each that ended.
        beside: How many were under way when each was begun, itself included.
    """

    def __init__(self, bench: Bench, slots: int, *, deliverer: Deliverer | None = None) -> None:
        self.bench = bench
        self.room = Room(lambda: slots)
        self.strands = Strands()
        self.deliverer = deliverer or bench.deliverer
        self.begun: list[str] = []
        self.became: dict[str, str] = {}
        self.beside: list[int] = []
        self._under_way = 0

    def accept(self, *ids: str, **fields: object) -> None:
        for each in ids or IDS:
            self.bench.accept_email(f"{each}@x.test", id=each, **fields)

    def run(
        self,
        ids: Sequence[str] = IDS,
        *,
        stopping: Callable[[], bool] = not_stopping,
        put_back_raises: Exception | None = None,
    ) -> list[str]:
        """Deliver; those that were not begun."""
        left: list[str] = []

        def put_back(some: Sequence[str]) -> None:
            left.extend(some)
            if put_back_raises is not None:
                raise put_back_raises

        not_begun = deliver_many(
            self.deliverer,
            ids,
            begin=self._begin,
            end=self._end,
            put_back=put_back,
            call=lambda _freed: None,
            stopping=stopping,
            room=self.room,
            strands=self.strands,
            draw=lambda: 1.0,
            clock=self.bench.seconds,
        )
        assert not_begun == len(left)
        return left

    def run_until_delivered(self, *, most: int = 60) -> None:
        """Batch after batch, as the sweeper rings for them."""
        ids: Sequence[str] = IDS
        for _ in range(most):
            self.run(ids)
            ids = [each for each in IDS if self.became.get(each) != "delivered"]
            if not ids:
                return
            self.bench.clock.advance(5.0)
            for lane in ("high", "normal"):
                self.bench.ledger.sweep(lane, room=100)
        raise AssertionError(f"still open: {self.became}")

    def states(self) -> dict[str, str]:
        return {each: str(self.bench.redis.hget(f"notify:n:{each}", "state")) for each in IDS}

    def close(self) -> None:
        self.strands.close()

    def _begin(self, notification_id: str, _passes: int) -> None:
        self._under_way += 1
        self.begun.append(notification_id)
        self.beside.append(self._under_way)

    def _end(self, notification_id: str, result: PassResult | Exception) -> None:
        self._under_way -= 1
        self.became[notification_id] = getattr(result, "state", type(result).__name__)


MakeBatch = Callable[..., Batch]


def got(*servers: MailServer) -> Counter[str]:
    """Whom the servers took a text over for, and how often."""
    return Counter(recipient.partition("@")[0] for server in servers for recipient in server.got)


ONCE = Counter(IDS)
