"""Rings for what is accepted, in the step that records it where ledger and broker are one Redis."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

import kombu.exceptions

from settings_store.logs import EventLog
from tasks import tracing
from tasks.bells import Bells, messages_for
from tasks.ledger import Bell, Entry

#: A broker that did not do what it was asked is left alone for as long as that took, and for so long at
#: least: the sweeper rings meanwhile, and not each who publishes waits for it anew.
LEAVE_ALONE_SECONDS = 5.0

_log = EventLog(__name__)


class Doorbell:
    """What a publisher rings. Whatever it does not ring for, the sweeper does.

    Args:
        bells: Rings.
        one_redis: Whether ledger and broker are one Redis.
        clock: Seconds; tells how long a broker that does not answer is left alone.
    """

    def __init__(self, bells: Bells, *, one_redis: bool, clock: Callable[[], float]) -> None:
        self._bells = bells
        self.one_redis = one_redis
        self._clock = clock
        self._left_alone_until = float("-inf")

    def has_room(self, entries: Iterable[Entry], *, among: int) -> bool:
        """Whether the broker takes bells for all of these now, which are a part of so many.

        Where it is the ledger's own Redis, that one knows.
        """
        if self.one_redis:
            return True
        began = self._clock()
        if began < self._left_alone_until:
            return False
        counts = Counter(entry.lane for entry in entries)
        try:
            return all(
                self._bells.room(lane) >= messages_for(count, lane, among=among)
                for lane, count in counts.items()
            )
        except (kombu.exceptions.OperationalError, OSError) as error:
            self._leave_alone(began)
            _log.warning("broker_not_reached", error=type(error).__name__)
            return False

    def written(self, entries: Iterable[Entry], *, among: int) -> list[Bell]:
        """Bells that the ledger puts into the queues itself, where it can.

        None are for what names the time of its start.
        """
        if not self.one_redis:
            return []
        by_lane: dict[str, list[str]] = {}
        for entry in entries:
            if not entry.not_before_ms:
                by_lane.setdefault(entry.lane, []).append(entry.id)
        return [bell for lane, ids in by_lane.items() for bell in self._bells.written(ids, lane, among=among)]

    def ring(self, by_lane: Mapping[str, Sequence[str]], *, among: int) -> None:
        """Ring for these, for whom the ledger did not."""
        began = self._clock()
        try:
            with tracing.step("enqueue"):
                for lane, ids in by_lane.items():
                    self._bells.ring_together(ids, lane, among=among)
        except (kombu.exceptions.OperationalError, OSError) as error:
            # They are accepted all the same: the sweeper rings for whatever nobody claimed.
            self._leave_alone(began)
            _log.warning("bell_not_rung", error=type(error).__name__)

    def _leave_alone(self, began: float) -> None:
        now = self._clock()
        self._left_alone_until = now + max(now - began, LEAVE_ALONE_SECONDS)
