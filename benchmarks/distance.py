"""What a mail server far away leaves of the rate: one connection with TLS and sign-in, at 20 and 100 ms."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field

from benchmarks.measuring.figure import Figure, Goal, Result
from benchmarks.measuring.run import Run, Side
from benchmarks.stand.long_way import LongWay, long_way
from benchmarks.stand.settings import SHOWN
from benchmarks.stand.stand import Stand, stand
from tests.rigs.certificates import Certificates, make_certificates
from tests.rigs.postfix import PASSWORD, USER, running_postfix
from tests.rigs.worker import Worker

ROUND_TRIPS_MS = (20, 100)
_NOTE = (
    "k is the round trips that were counted on the wire, in the same round. What is missing to 1 is Postfix,"
    " which has each mail on its disk before it says so, and what one slot does between two mails."
)


@dataclass
class _Place:
    """A worker with one slot, and a mail server so far away.

    Attributes:
        trips: Round trips a message, one value a round.
        used: The share of what these round trips alone would allow, one value a round.
    """

    name: str
    site: Stand
    worker: Worker
    way: LongWay
    count: int
    round_trip_seconds: float
    together: bool
    trips: list[float] = field(default_factory=list)
    used: list[float] = field(default_factory=list)

    def rate(self) -> float:
        """Messages a second."""
        before = self.way.turns()
        rate = self.count / self.site.mails(self.worker, self.count, together=self.together).seconds
        self.trips.append((self.way.turns() - before) / self.count)
        self.used.append(rate * self.trips[-1] * self.round_trip_seconds)
        return rate


def distance(run: Run) -> Result:
    """Messages a second over one connection, against what its round trips alone would allow."""
    certificates = make_certificates(run.folder)
    counts = {20: run.size(5, 60), 100: run.size(3, 20)}
    places: list[_Place] = []
    with running_postfix(certificates.chain) as postfix, contextlib.ExitStack() as open_:
        for round_trip_ms in ROUND_TRIPS_MS[: run.size(1, 2)]:
            way = open_.enter_context(
                long_way(postfix.submission_port, round_trip_seconds=round_trip_ms / 1000)
            )
            site = open_.enter_context(stand(run))
            _configure(site, way, certificates)
            # One slot is one connection, which is kept from one mail to the next.
            worker = open_.enter_context(site.quiet_worker("--concurrency=1"))
            places += [
                _Place(
                    f"{'in batches' if together else 'singly'}, {round_trip_ms} ms away",
                    site,
                    worker,
                    way,
                    counts[round_trip_ms],
                    round_trip_ms / 1000,
                    together,
                )
                for together in (False, True)
            ]
        found = run.alternate(*(Side(place.name, place.rate) for place in places))
    return Result(
        "messages a second over one connection to Postfix, with STARTTLS and sign-in",
        [
            *found.values(),
            *(Figure(f"round trips: {place.name}", "", run.counted(place.trips)) for place in places),
        ],
        [
            Goal(Figure(f"of 1/(k x RTT): {place.name}", "x", run.counted(place.used)), at_least=0.9)
            for place in places
        ],
        {"Redis": SHOWN, "worker": "one slot, so one connection; it keeps it for 100 messages"},
        [_NOTE],
    )


def _configure(site: Stand, way: LongWay, certificates: Certificates) -> None:
    store = site.runtime.store
    store.change(
        {
            "primary_email.server_name": "localhost",
            "primary_email.server_port": way.port,
            "primary_email.enable_ssl": True,
            "primary_email.authentication_user": USER,
            "primary_email.authentication_password": store.cipher.seal_for_pasting(PASSWORD),
            "tls.ca_bundle": certificates.bundle,
        },
        author="benchmark",
    )
