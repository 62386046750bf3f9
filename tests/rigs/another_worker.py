"""Another worker on the same desk, with connections of its own."""

from __future__ import annotations

from collections.abc import Collection

from tasks.delivery.admission import Admission
from tasks.limits import Limits
from tasks.transports.pool import ConnectionPool
from tests.rigs.clock import TEST_CLOCK
from tests.rigs.delivery_bench import NEVER_SECONDS, Bench


class Another:
    """Another worker on the same desk, with connections of its own."""

    def __init__(self, bench: Bench, name: str) -> None:
        self.admission = Admission(
            Limits(bench.redis, worker=name, clock=TEST_CLOCK, revision_key=bench.store.revision_key),
            close_idle=self.close_idle,
            every_seconds=NEVER_SECONDS,
            clock=bench.seconds,
        )
        self.pool = ConnectionPool(clock=bench.seconds, local_hostname="client.test", places=self.admission)
        pool, admission = bench.pool, bench.admission
        bench.pool, bench.admission = self.pool, self.admission
        self.deliverer = bench.new_deliverer(worker=name)
        bench.pool, bench.admission = pool, admission

    def close_idle(self, wanted: Collection[str] = ()) -> None:
        self.pool.close_idle(wanted)
