"""A breaker on a clock that stands still, with short ways to fail and to succeed."""

from __future__ import annotations

import itertools

import redis

from tasks.breaker import Breaker, Reported, ServerState
from tasks.verdict import Verdict
from tests.rigs.clock import TEST_CLOCK, LedgerClock

FINGERPRINT = "f1"


class Bench:
    """One server is the subject; others have other fingerprints."""

    def __init__(self, client: redis.Redis) -> None:
        self.redis = client
        self.clock = LedgerClock(client)
        self.breaker = Breaker(client, clock=TEST_CLOCK)
        self._numbers = itertools.count(1)

    def report(
        self,
        verdict: Verdict | None,
        *,
        fingerprint: str = FINGERPRINT,
        token: str = "",
        began_ms: int | None = None,
        reason: str = "the server is not ready",
        failures_before_open: int = 3,
    ) -> Reported:
        """An attempt that began now, under a name of its own, unless said otherwise."""
        reported = self.breaker.report(
            fingerprint,
            verdict,
            name="primary_email",
            token=token or f"n1:{next(self._numbers)}",
            began_ms=self.clock.now_ms if began_ms is None else began_ms,
            reason=reason,
            failures_before_open=failures_before_open,
        )
        assert reported is not None
        return reported

    def open(self, verdict: Verdict = Verdict.SERVER_DOWN, *, fingerprint: str = FINGERPRINT) -> None:
        """As many failures as it takes, a moment ago."""
        self.clock.advance(0.001)
        reported = [self.report(verdict, fingerprint=fingerprint) for _ in range(3)]
        assert reported[-1].state == "open"
        self.clock.advance(0.001)

    def probe(self, *, ok: bool, misconfigured: bool = False, fingerprint: str = FINGERPRINT) -> str:
        """Wait for the test to be due, and make it."""
        permission = self.breaker.allows([fingerprint])[fingerprint]
        if not permission.probe_due:
            self.clock.advance(permission.wait_seconds)
        token = f"p{next(self._numbers)}"
        assert self.breaker.take_probe(fingerprint, token)
        return self.breaker.probed(
            fingerprint, token, ok, "" if ok else "still away", misconfigured=misconfigured
        )

    def state(self, fingerprint: str = FINGERPRINT) -> str:
        """As everybody sees it."""
        return self.breaker.allows([fingerprint])[fingerprint].state

    def shown(self, fingerprint: str = FINGERPRINT) -> ServerState:
        """As the operator sees it."""
        (row,) = [row for row in self.breaker.servers() if row.fingerprint == fingerprint]
        return row

    def stored(self, fingerprint: str = FINGERPRINT) -> object:
        """Everything that Redis keeps of it, to see that a repeat changes nothing."""
        return self.redis.hgetall(f"notify:breaker:{fingerprint}")
