"""An installation without any worker, and one sweeper in the test's hand."""

from __future__ import annotations

from tasks import broker
from tasks.ledger import Claim
from tests.rigs.installation import Installation
from workers.probes import Probes
from workers.sweeper import (
    Sweeper,
)


class Swept:
    """An installation without any worker, and one sweeper in the test's hand."""

    def __init__(self, installation: Installation, probes: Probes | None = None) -> None:
        self.installation = installation
        self.runtime = installation.runtime
        self.redis = installation.runtime.redis
        self.now = 0.0
        probes = probes or Probes(installation.runtime, run=lambda act, _name: act())
        self.sweeper = Sweeper(installation.runtime, clock=lambda: self.now, probes=probes)
        installation.runtime.bells._clock = lambda: self.now

    def sweep(self) -> int:
        """The next second's sweep."""
        self.installation.server.advance(1)
        self.now += 1
        return self.sweeper.sweep()

    def queue(self, lane: str = "normal") -> int:
        return int(self.redis.llen(broker.QUEUE_OF_LANE[lane]))

    def forget_bells(self) -> None:
        self.redis.delete(*broker.QUEUE_OF_LANE.values())

    def claim(self, notification_id: str) -> Claim:
        claim = self.runtime.ledger.claim(notification_id, worker="dead")
        assert isinstance(claim, Claim)
        return claim
