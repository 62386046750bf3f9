"""Lets everything that was begun come to its end, moving the calendar past what it would wait for."""

from __future__ import annotations

from tests.rigs.installation import Installation
from tests.rigs.processes import wait_until

PAST_THE_LEASE_SECONDS = 31.0
PAST_THE_RESEND_SECONDS = 61.0
#: A busy machine must not decide what comes of an experiment.
PATIENCE_SECONDS = 900.0

INDEX = "notify.unacked_index"


def redeliver_now(installation: Installation) -> int:
    """Have the broker give back at once what a dead worker had not acknowledged; how many that were."""
    broker = installation.runtime.redis
    tags = broker.zrange(INDEX, 0, -1)
    for tag in tags:
        broker.zadd(INDEX, {str(tag): 0}, xx=True)
    return len(tags)


def broker_is_empty(installation: Installation) -> bool:
    """Whether no message waits and none is unacknowledged."""
    broker = installation.runtime.redis
    queues = [f"notify.{lane}" for lane in ("high", "normal", "low", "files")]
    return not any(broker.llen(queue) for queue in queues) and not broker.zcard(INDEX)


def come_to_the_end(installation: Installation, *options: str) -> None:
    """Have a new worker finish what is open, while no other runs: leases end, what is unsure goes again."""
    installation.server.advance(PAST_THE_LEASE_SECONDS)
    redeliver_now(installation)
    with installation.worker(*options) as worker:
        wait_until(
            lambda: broker_is_empty(installation) and not installation.open_count("waiting"),
            seconds=PATIENCE_SECONDS,
            what="all but the uncertain being final",
        )
        installation.server.advance(PAST_THE_RESEND_SECONDS)
        wait_until(
            lambda: not installation.open_count(), seconds=PATIENCE_SECONDS, what="everything being final"
        )
        worker.stop()
