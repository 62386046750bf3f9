"""How often a delivery goes to Redis and back, and how many commands that are, beside an empty task."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from urllib.parse import urlsplit, urlunsplit

import redis

from benchmarks.measuring.figure import Figure, Result
from benchmarks.measuring.run import Run
from benchmarks.stand.emptying import emptied
from benchmarks.stand.long_way import LongWay, long_way
from benchmarks.stand.settings import SHOWN
from benchmarks.stand.sink import sink_process
from benchmarks.stand.stand import Stand, stand
from tests.rigs.worker import Worker

SINGLY = "a delivery, singly"
TOGETHER = "a delivery, in batches"
EMPTY = "an empty task"
#: For what a worker still writes after the last mail is taken, and nobody asks Redis about meanwhile.
_SETTLE_SECONDS = 0.5
_COMMANDS_A_LOOK = 2
_NOTE = (
    "A round trip is counted on the wire, where the worker sends after it was sent something: what several"
    " commands share is one. Celery's own part is in each of them."
)


def round_trips(run: Run) -> Result:
    """Round trips and commands per delivery and per empty task, publishing left out."""
    count = run.size(40, 400)
    trips: dict[str, list[float]] = {SINGLY: [], TOGETHER: [], EMPTY: []}
    commands: dict[str, list[float]] = {SINGLY: [], TOGETHER: [], EMPTY: []}
    with sink_process() as sink, stand(run) as site, _way_to_redis(site) as way:
        site.configure(primary=sink.port)
        looks: list[None] = []
        at = _elsewhere(site.environ["NOTIFY_REDIS_URL"], way.port)

        def counted(name: str, worker: Worker, fill: Callable[[], None], left: Callable[[], int]) -> None:
            begun: list[float] = []

            def fill_and_look() -> None:
                fill()
                begun.extend((way.turns(), _commands(site.client)))

            emptied(fill_and_look, left, worker)
            time.sleep(_SETTLE_SECONDS)
            trips[name].append((way.turns() - begun[0]) / count)
            asked = len(looks) * _COMMANDS_A_LOOK
            commands[name].append((_commands(site.client) - begun[1] - asked) / count)
            run.tell(f"{name}: {trips[name][-1]:.2f} round trips, {commands[name][-1]:.1f} commands")

        def left_of_empty() -> int:
            looks.append(None)
            return site.empty_left()

        def mails(worker: Worker, name: str, publish: Callable[[int], None]) -> None:
            target = sink.counts().taken + count
            # The sink is asked: asking Redis would be counted.
            counted(name, worker, lambda: publish(count), lambda: target - sink.counts().taken)

        with site.quiet_worker(NOTIFY_REDIS_URL=at) as worker:
            site.mails(worker, 20, together=False)
            for _ in range(run.rounds):
                mails(worker, SINGLY, site.publish_singly)
                mails(worker, TOGETHER, site.publish_together)
        with site.empty_worker(NOTIFY_REDIS_URL=at) as worker:
            site.empty_tasks(worker, 20)
            for _ in range(run.rounds):
                looks.clear()
                counted(EMPTY, worker, lambda: site.send_empty(count), left_of_empty)
    return Result(
        "round trips to Redis, and the commands they bring, those of scripts counted too",
        [
            *(Figure(f"round trips of {name}", "", tuple(each)) for name, each in trips.items()),
            *(Figure(f"commands of {name}", "", tuple(each)) for name, each in commands.items()),
        ],
        settings={"Redis": SHOWN, "a round": f"{count} of each, 16 slots"},
        notes=[_NOTE],
    )


def _way_to_redis(site: Stand) -> AbstractContextManager[LongWay]:
    port = urlsplit(site.environ["NOTIFY_REDIS_URL"]).port
    assert port
    return long_way(port)


def _elsewhere(url: str, port: int) -> str:
    return urlunsplit(urlsplit(url)._replace(netloc=f"127.0.0.1:{port}"))


def _commands(client: redis.Redis) -> int:
    """Commands since the server began, those inside scripts too."""
    stats = client.info("commandstats")
    assert isinstance(stats, dict)
    return sum(each["calls"] for each in stats.values())
