"""Tests as whoever asks for them sees them: leave the draft, read how it goes, take it back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Generic

import kombu.exceptions

from tasks.fleet import Fleet
from tasks.ledger import LANES
from tasks.live_test.errors import TestNotTaken
from tasks.live_test.storage import DRAFT_LIFETIME_SECONDS, Report, Storage

#: A worker takes a test within milliseconds; one that did not for so long will not soon.
ANSWER_WITHIN_SECONDS: Final = 10.0
#: More than the longest wait for a server that the options allow (`timeouts.final_reply_seconds`).
LONGEST_STEP_SECONDS: Final = 900


class Asking(Generic[Report]):
    """Asks workers for tests of one family. Every method raises `redis.RedisError` where Redis is away.

    Args:
        storage: Where they are kept.
        fleet: The workers.
    """

    def __init__(self, storage: Storage[Report], fleet: Fleet) -> None:
        self._kept = storage
        self._fleet = fleet

    def _ask(self, report: Report, draft: str, ring: Callable[[], None]) -> None:
        """Leave a draft, and tell a worker.

        Args:
            report: In which nothing has begun.
            draft: As it is kept.
            ring: Tells a worker.

        Raises:
            TestNotTaken: The broker does not take it.
        """
        self._kept.write(report)
        self._kept.put_draft(report.id, draft)
        try:
            ring()
        except (kombu.exceptions.OperationalError, OSError) as error:
            self.withdraw(report.id)
            raise TestNotTaken(
                f"the broker does not take the test ({type(error).__name__}), so no worker can make it"
            ) from None

    def read(self, test_id: str) -> Report | None:
        """How a test stands; None where there is none of that id (any more)."""
        report = self._kept.read(test_id)
        if report is None:
            return None
        if report.state == "waiting":
            age_ms = self._kept.now_ms() - report.asked_at_ms
            report.state = "unanswered" if age_ms > DRAFT_LIFETIME_SECONDS * 1000 else "waiting"
        elif report.state == "running" and self._is_lost(report):
            # It may have been done since it was read: its last word counts.
            report = self._kept.read(test_id) or report
            report.state = "lost" if report.state == "running" else report.state
        return report

    def _is_lost(self, report: Report) -> bool:
        """Whether nothing more will be told: the worker is gone, or silent for longer than any step takes."""
        silent_ms = self._kept.now_ms() - (report.told_at_ms or report.asked_at_ms)
        return silent_ms > LONGEST_STEP_SECONDS * 1000 or not self._fleet.is_alive(report.worker)

    def withdraw(self, test_id: str) -> bool:
        """Take a test back that no worker took; False where one did."""
        return self._kept.take_draft(test_id) is not None

    def why_unanswered(self, lane: str = LANES[0]) -> str:
        """Why no worker takes a test from the queue of a lane, as far as their signs of life tell."""
        alive = self._fleet.alive()
        if not alive:
            return "no worker is alive"
        unfit = next((each.life.unfit for each in alive if each.life and each.life.unfit), "")
        serving = [each.life for each in alive if each.life and lane in each.life.serves]
        queue = f"notify.{lane}"
        if not serving:
            return f"no worker serves the queue {queue}{f' ({unfit})' if unfit else ''}"
        if all(life.busy >= life.slots for life in serving):
            return f"every slot of every worker is busy ({len(serving)} alive)"
        return f"workers are alive with slots free, and took nothing from the queue {queue}"
