"""The counts of one process."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Final, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from tasks.delivery.attempt import FILE_LOST, WAITS_FOR_FILES
from tasks.ledger import Priority
from tasks.server import Channel, ServerName
from tasks.transports.phase import Phase
from tasks.verdict import Verdict

#: From a server that answers at once to a mail that took a day of tries.
_BUCKETS_SECONDS: Final = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14_400, 86_400)

_OPENING: Final = (Phase.RESOLVE, Phase.CONNECT, Phase.GREETING, Phase.EHLO, Phase.TLS, Phase.AUTH)
_ENVELOPE: Final = (Phase.MAIL, Phase.RCPT, Phase.DATA)
_ASKED: Final = (Phase.GREETING, Phase.EHLO, Phase.TLS, Phase.AUTH, *_ENVELOPE, Phase.FINAL)
_WHOLE: Final = (Phase.MAIL, Phase.DATA, Phase.FINAL)


def outcomes() -> Iterator[tuple[str, str]]:
    """Every stage and verdict that go together, as the table of verdicts has them."""
    stages: dict[str, tuple[Phase, ...]] = {
        Verdict.DELIVERED.value: (Phase.FINAL,),
        Verdict.UNCERTAIN.value: (Phase.FINAL,),
        Verdict.SERVER_DOWN.value: (*_OPENING, *_ENVELOPE, Phase.BODY, Phase.FINAL),
        Verdict.MISCONFIGURED.value: (Phase.CONNECT, *_ASKED),
        Verdict.THROTTLED.value: _ASKED,
        Verdict.MESSAGE_WAITS.value: _WHOLE,
        Verdict.MESSAGE_REFUSED.value: _WHOLE,
        Verdict.RECIPIENT_WAITS.value: (Phase.RCPT,),
        Verdict.RECIPIENT_REFUSED.value: (Phase.RCPT,),
        FILE_LOST: (Phase.BODY,),
        WAITS_FOR_FILES: (Phase.MAIL,),
    }
    for verdict, phases in stages.items():
        for phase in phases:
            yield phase.value, verdict


class ProcessTally:
    """A `tasks.tally.Tally` that a registry shows; counts begin at 0 with the process.

    Args:
        registry: Where they are shown.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        accepted = Counter(
            "notify_accepted",
            "Notifications that this process accepted.",
            ("channel", "priority"),
            registry=registry,
        )
        attempts = Counter(
            "notify_attempts",
            "What servers did with messages that this process gave them, by stage and verdict.",
            ("server", "stage", "verdict"),
            registry=registry,
        )
        seconds = Histogram(
            "notify_delivery_seconds",
            "From acceptance, or not_before, to the 250 of a server.",
            ("channel",),
            buckets=_BUCKETS_SECONDS,
            registry=registry,
        )
        connections = Gauge(
            "notify_connections",
            "Connections to servers that this process has: busy ones, and idle ones that it keeps.",
            ("server", "state"),
            registry=registry,
            # Of the children of a pool that live, together.
            multiprocess_mode="livesum",
        )
        # Looked up once for each set of labels: the library makes text of them each time.
        self._accepted = functools.cache(accepted.labels)
        self._attempts = functools.cache(attempts.labels)
        self._seconds = functools.cache(seconds.labels)
        self._connections = functools.cache(connections.labels)
        for channel in get_args(Channel):
            self._seconds(channel)
            for priority in get_args(Priority):
                self._accepted(channel, priority)
        for server in get_args(ServerName):
            for stage, verdict in outcomes():
                self._attempts(server, stage, verdict)
            self.connections(server, 0, 0)

    def accepted(self, channel: Channel, priority: Priority) -> None:
        """A notification was recorded that was not there before."""
        self._accepted(channel, priority).inc()

    def attempted(self, server: str, stage: str, verdict: str) -> None:
        """A server did something with a message, or with one of its recipients."""
        self._attempts(server, stage, verdict).inc()

    def delivered(self, channel: Channel, seconds: float) -> None:
        """A server took a message, so many seconds after it could first be sent."""
        self._seconds(channel).observe(seconds)

    def connections(self, server: str, busy: int, idle: int) -> None:
        """So many connections to a server are used and kept by this process now."""
        self._connections(server, "busy").set(busy)
        self._connections(server, "idle").set(idle)
