"""A fleet of workers that share limits, on a clock that stands still."""

from __future__ import annotations

import redis

from tasks.limits import Allowance, Granted, Limits, Slot, Wait
from tests.rigs.clock import TEST_CLOCK, LedgerClock

ACCOUNT = "mailbox"
EXCHANGE_ONLINE = Allowance(messages_per_minute=30, connections=3)


class Bench:
    """One account is the subject; the limits are changed by setting `allowance`."""

    def __init__(self, client: redis.Redis, allowance: Allowance = EXCHANGE_ONLINE) -> None:
        self.redis = client
        self.clock = LedgerClock(client)
        self.allowance = allowance
        self._workers: dict[str, Limits] = {}

    def worker(self, name: str = "w1") -> Limits:
        """One process of the fleet."""
        if name not in self._workers:
            self._workers[name] = Limits(self.redis, worker=name, clock=TEST_CLOCK)
        return self._workers[name]

    def go_to(self, at_ms: int) -> None:
        """Let time pass until then, exact to the millisecond; not at all where that is over."""
        self.clock.advance((max(at_ms - self.clock.now_ms, 0) + 0.5) / 1000)

    def send(self, message: str, *, worker: str = "w1", urgent: bool = False) -> int:
        """Ask for a message alone: when it may go, in milliseconds from now; 0 where it goes now."""
        answer = self.worker(worker).take(ACCOUNT, self.allowance, message=message, urgent=urgent)
        if isinstance(answer, Granted):
            return 0
        assert answer.limit == "messages"
        assert answer.at_ms > self.clock.now_ms
        return answer.at_ms - self.clock.now_ms

    def connect(self, holder: str, *, worker: str = "w1") -> Granted | Wait:
        """Ask for a connection alone."""
        return self.worker(worker).take(ACCOUNT, self.allowance, holder=holder)

    def connected(self, holder: str, *, worker: str = "w1") -> Slot:
        """The same, where it must be given."""
        answer = self.connect(holder, worker=worker)
        assert isinstance(answer, Granted), f"{worker} was refused a connection"
        assert answer.slot is not None
        return answer.slot

    def stored(self) -> dict[str, object]:
        """Everything that Redis keeps, to see that a repeat changes nothing."""
        return {key: self.redis.dump(key) for key in sorted(self.redis.scan_iter("notify:limit:*"))}
