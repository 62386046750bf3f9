"""Records portions in the ledger and rings for them."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence

import redis

from settings_store.logs import EventLog
from tasks import tracing
from tasks.accepting import accepting
from tasks.broker import QUEUE_LIMIT
from tasks.doorbell import Doorbell
from tasks.ledger import Accepted, Entry, Ledger
from tasks.portion import Portion
from tasks.tally import Tally

_log = EventLog(__name__)


class Recorder:
    """Begins to record, and counts what is accepted.

    Args:
        ledger: Where.
        doorbell: Rings.
        tally: Counts.
    """

    def __init__(self, ledger: Ledger, doorbell: Doorbell, tally: Tally) -> None:
        self.ledger = ledger
        self.doorbell = doorbell
        self._tally = tally

    def begin(self, portion: Portion) -> Recording:
        """Send a portion to the ledger and go on.

        Raises:
            LedgerUnavailable: Redis is nearly full; nothing was recorded.
            redis.RedisError: Redis cannot be reached; nothing was recorded.
        """
        return Recording(self, portion)

    def count(self, answer: Accepted, entry: Entry) -> None:
        """Take note of one that may have been accepted just now."""
        if answer.status == "accepted":
            _log.info(
                "accepted",
                notification=answer.id,
                number=answer.number,
                channel=entry.channel,
                priority=entry.priority,
            )
            self._tally.accepted(entry.channel, entry.priority)


class Recording:
    """A portion on its way into the ledger.

    Attributes:
        portion: Which.
    """

    def __init__(self, recorder: Recorder, portion: Portion) -> None:
        self.portion = portion
        self._recorder = recorder
        self._doorbell = recorder.doorbell
        self._has_room = False
        self._entries = tuple(portion.entries.values())
        with contextlib.ExitStack() as opened:
            alone = portion.among == 1
            traced = opened.enter_context(accepting(self._entries, current=alone))
            bells = self._doorbell.written(self._entries, among=portion.among)
            self._step = opened.enter_context(contextlib.ExitStack())
            self._step.enter_context(tracing.step("ledger"))
            self._under_way = recorder.ledger.begin_accepting(
                traced,
                ring=not self._doorbell.one_redis,
                revision=portion.options.revision,
                bells=bells,
                queue_limit=QUEUE_LIMIT,
            )
            opened.callback(self._under_way.abandon)
            self._opened = opened.pop_all()

    def answers(self) -> list[Accepted]:
        """What became of each, in their order.

        Raises:
            LedgerUnavailable: Redis is nearly full; nothing was recorded.
            redis.RedisError: Redis does not answer; it is unknown whether they were recorded.
        """
        # While the ledger is at it, so that nobody waits for the one after the other.
        self._has_room = self._doorbell.has_room(self._entries, among=self.portion.among)
        try:
            answers = self._under_way.accepted()
        except BaseException:
            # The spans are told of what kept it from being accepted.
            self._opened.__exit__(*sys.exc_info())
            raise
        self._step.close()
        return answers

    def settle(self, answers: Sequence[Accepted]) -> None:
        """Count what was accepted, and ring for it where recording did not."""
        rings, by_lane = not self._doorbell.one_redis, dict[str, list[str]]()
        for entry, answer in zip(self._entries, answers, strict=True):
            self._recorder.count(answer, entry)
            if rings and answer.status == "accepted" and answer.state == "queued":
                by_lane.setdefault(entry.lane, []).append(answer.id)
        if by_lane and self._has_room:
            self._doorbell.ring(by_lane, among=self.portion.among)
        elif by_lane:
            with contextlib.suppress(redis.RedisError):
                self._recorder.ledger.due_now([each for ids in by_lane.values() for each in ids])
        self.close()

    def close(self) -> None:
        """Want to know no more of it."""
        self._opened.close()
