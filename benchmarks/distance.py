"""What a mail server far away leaves of the rate: one connection with TLS and sign-in, at 20 and 100 ms."""

from __future__ import annotations

import contextlib
import statistics
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from benchmarks.measuring.figure import Figure, Goal, Result
from benchmarks.measuring.run import Run, Side
from benchmarks.stand.long_way import LongWay, long_way
from benchmarks.stand.settings import SHOWN
from benchmarks.stand.stand import TEXT, Stand, stand
from tasks.server import Server, Tls
from tasks.transports.idle_connections import Limits
from tasks.transports.pool import ConnectionPool
from tasks.transports.trust import Trust
from tests.rigs.certificates import Certificates, make_certificates
from tests.rigs.delivering import basic, server_at
from tests.rigs.one_connection import OneConnection
from tests.rigs.postfix import PASSWORD, USER, running_postfix
from tests.rigs.worker import Worker

ROUND_TRIPS_MS = (20, 100)
#: So many send at once over the one connection: as many as find work while one waits for its last reply.
SENDERS = 3
_NOTES = (
    """k is the round trips a message that were counted on the wire, and RTT what a NOOP takes there, both in
    the same run. What is missing to 1 is Postfix, which has each mail on its disk before it says so, and
    what a slot does between two mails.""",
    f"""The client alone sends without Redis: one mail after another, and by {SENDERS} threads, where the
    envelope of the next mail travels behind the text of the one before.""",
)


#: The one connection stays open from round to round.
_KEPT = Limits(messages=10_000, age_seconds=3_600, idle_seconds=3_600)


_TEXT = f"Subject: Job failed\r\n\r\n{TEXT}".replace("\n", "\r\n").encode()


@dataclass
class _Sender(ABC):
    """What sends over one connection to a mail server so far away.

    Attributes:
        trips: Round trips a message, one value a round.
        used: The share of what these round trips alone would allow, one value a round.
    """

    name: str
    way: LongWay
    count: int
    round_trip_seconds: float
    trips: list[float] = field(default_factory=list, init=False)
    used: list[float] = field(default_factory=list, init=False)

    def rate(self) -> float:
        """Messages a second."""
        self.warm_up()
        before = self.way.turns()
        rate = self.count / self.send()
        self.trips.append((self.way.turns() - before) / self.count)
        self.used.append(rate * self.trips[-1] * self.round_trip_seconds)
        return rate

    def warm_up(self) -> None:  # noqa: B027  # who has nothing to make ready does nothing
        """What comes before and is not counted."""

    @abstractmethod
    def send(self) -> float:
        """Send all, and say how many seconds that took."""


@dataclass
class _Client(_Sender):
    """The client alone."""

    one: OneConnection
    senders: int

    def warm_up(self) -> None:
        self.one.send(_TEXT)

    def send(self) -> float:
        began = time.perf_counter()
        with ThreadPoolExecutor(self.senders) as threads:
            for sent in [threads.submit(self.one.send, _TEXT) for _ in range(self.count)]:
                sent.result()
        return time.perf_counter() - began


@dataclass
class _Place(_Sender):
    """A worker with one connection."""

    site: Stand
    worker: Worker
    together: bool

    def send(self) -> float:
        return self.site.mails(self.worker, self.count, together=self.together).seconds


def distance(run: Run) -> Result:
    """Messages a second over one connection, against what its round trips alone would allow."""
    certificates = make_certificates(run.folder)
    counts = {20: run.size(5, 60), 100: run.size(3, 20)}
    places: list[_Place] = []
    clients: list[_Client] = []
    measured: list[Figure] = []
    with running_postfix(certificates.chain) as postfix, contextlib.ExitStack() as open_:
        for round_trip_ms in ROUND_TRIPS_MS[: run.size(1, 2)]:
            way = open_.enter_context(
                long_way(postfix.submission_port, round_trip_seconds=round_trip_ms / 1000)
            )
            seconds = _round_trip_seconds(way, certificates)
            measured.append(Figure(f"a NOOP, {round_trip_ms} ms away", "ms", (seconds * 1000,)))
            pool = open_.enter_context(contextlib.closing(_pool(certificates)))
            clients += [
                _Client(
                    f"client alone, {kind}, {round_trip_ms} ms away",
                    way,
                    counts[round_trip_ms],
                    seconds,
                    OneConnection(pool, _server(way)),
                    senders,
                )
                for kind, senders in (("one by one", 1), (f"{SENDERS} at once", SENDERS))
            ]
            site = open_.enter_context(stand(run))
            _configure(site, way, certificates)
            # One slot is one connection, which is kept from one mail to the next.
            worker = open_.enter_context(site.quiet_worker("--concurrency=1"))
            places += [
                _Place(
                    f"{'in batches' if together else 'singly'}, {round_trip_ms} ms away",
                    way,
                    counts[round_trip_ms],
                    seconds,
                    site,
                    worker,
                    together,
                )
                for together in (False, True)
            ]
        sides: list[_Sender] = [*places, *clients]
        found = run.alternate(*(Side(each.name, each.rate) for each in sides))
    return Result(
        "messages a second over one connection to Postfix, with STARTTLS and sign-in",
        [
            *found.values(),
            *measured,
            *(Figure(f"round trips: {each.name}", "", run.counted(each.trips)) for each in sides),
        ],
        [
            Goal(Figure(f"of 1/(k x RTT): {each.name}", "x", run.counted(each.used)), at_least=0.9)
            for each in sides
        ],
        {"Redis": SHOWN, "worker": "one connection, which it keeps for 100 messages"},
        [" ".join(note.split()) for note in _NOTES],
    )


def _pool(certificates: Certificates) -> ConnectionPool:
    return ConnectionPool(local_hostname="client.test", trust=Trust(certificates.bundle), limits=_KEPT)


def _server(way: LongWay) -> Server:
    return server_at(way.port, host="localhost", tls=Tls.STARTTLS, sign_in=basic(USER, PASSWORD))


def _round_trip_seconds(way: LongWay, certificates: Certificates) -> float:
    """What the way and a server that has nothing to do take for one command."""
    pool = _pool(certificates)
    with contextlib.closing(pool), pool.connection(_server(way)) as connection:
        return statistics.median(_seconds(connection.noop) for _ in range(21))


def _seconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


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
