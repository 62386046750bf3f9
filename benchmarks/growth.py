"""What a notification costs where the ledger is small, and where it holds a million."""

from __future__ import annotations

import contextlib
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import redis

from benchmarks import memory, message_list
from benchmarks.measuring.figure import Figure, Goal, Result, ratio
from benchmarks.measuring.run import Run, Side
from settings_store.redis_client import connect
from tasks.ledger import Ledger, LedgerQueries
from tests.rigs.processes import running_redis

ALLOWED = 1.2


def growth(run: Run) -> Result:
    """Milliseconds to accept and deliver one, and of each question, among so many records."""
    records = (100, 200, 400) if run.short else message_list.RECORDS
    questions: dict[int, dict[str, list[float]]] = {count: {} for count in records}
    with contextlib.ExitStack() as open_:
        clients = {count: open_.enter_context(_filled(run, count)) for count in records}

        def one(count: int) -> float:
            for name, spent in message_list.ask(LedgerQueries(clients[count])).items():
                questions[count].setdefault(name, []).append(spent)
            return _accept_and_deliver(clients[count], run.size(10, 500))

        names = {count: f"accept and deliver, {count:,} records" for count in records}
        found = run.alternate(
            *(Side(name, lambda count=count: one(count), "ms") for count, name in names.items())  # type: ignore[misc]
        )
    few, many = min(records), max(records)
    asked = {
        count: {name: Figure(name, "ms", run.counted(spent)) for name, spent in by_name.items()}
        for count, by_name in questions.items()
    }
    slowest = max(asked[many], key=lambda name: ratio("", asked[many][name], asked[few][name]).median)
    return Result(
        "the ledger's part of one notification, and its questions, by how many records it holds",
        [
            *found.values(),
            *(Figure(f"list {name}, {many:,}", "ms", figure.rounds) for name, figure in asked[many].items()),
            *_bytes(run),
        ],
        [
            Goal(ratio(f"accept and deliver, {many:,} / {few:,}", found[names[many]], found[names[few]]),
                 at_most=ALLOWED),
            Goal(ratio(f"list {slowest}, {many:,} / {few:,}", asked[many][slowest], asked[few][slowest]),
                 at_most=ALLOWED),
        ],
        {"Redis": "one server for each number of records, without persistence: its own work is what grows"},
        ["Of the questions, the one is held against the goal that grows most."],
    )  # fmt: skip


@contextlib.contextmanager
def _filled(run: Run, count: int) -> Iterator[redis.Redis]:
    folder = run.folder / f"redis-{count}"
    folder.mkdir()
    with running_redis(run.server, folder, "--appendonly", "no") as url, connect(url) as client:
        run.tell(f"filling {count:,} records")
        message_list.fill(Ledger(client), 0, count)
        yield client


def _accept_and_deliver(client: redis.Redis, count: int) -> float:
    """Milliseconds each, the median: one is accepted, claimed, begun and finished, as a pass does it."""
    ledger, spent = Ledger(client), []
    for _ in range(count):
        entry = memory.new_entry()
        began = time.perf_counter()
        ledger.accept(entry, ring=True)
        memory.deliver(ledger, entry.id)
        spent.append(time.perf_counter() - began)
    return statistics.median(spent) * 1000


def _bytes(run: Run) -> list[Figure]:
    """Bytes of Redis for a plain 2 KB mail; no figure of a moment, so it is taken once."""
    folder: Path = run.folder / "bytes"
    folder.mkdir()
    with running_redis(run.server, folder, "--appendonly", "no") as url, connect(url) as client:
        taken = memory.measure(client, "", count=run.size(50, 5_000), recipients=1, context=False)
    return [
        Figure("Redis, a 2 KB mail that waits", "bytes", (taken.accepted_bytes,)),
        Figure("Redis, the same once delivered", "bytes", (taken.delivered_bytes,)),
    ]
