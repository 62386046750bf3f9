"""What a notification costs where the ledger is small, and where it holds a million."""

from __future__ import annotations

import contextlib
import statistics
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import redis

from benchmarks import memory, message_list
from benchmarks.measuring.figure import Figure, Goal, Result, ratio
from benchmarks.measuring.run import Run, Side
from settings_store.redis_client import connect
from tasks.ledger import Ledger, LedgerQueries
from tests.rigs.processes import running_redis

ALLOWED = 1.2
_NOTE = (
    "Of the lists, the one is held against the goal that grows most. Each is compared with the fewest records"
    " that fill its page as well: where less is found, less is read."
)


def growth(run: Run) -> Result:
    """Milliseconds to accept and deliver one, and of each question, among so many records."""
    records = (100, 200, 400) if run.short else message_list.RECORDS
    few, many = min(records), max(records)
    questions: dict[int, dict[str, list[float]]] = {count: {} for count in records}
    with contextlib.ExitStack() as open_:
        clients = {count: open_.enter_context(_filled(run, count)) for count in records}

        def one(count: int) -> float:
            for name, spent in message_list.ask(LedgerQueries(clients[count])).items():
                questions[count].setdefault(name, []).append(spent)
            return _accept_and_deliver(clients[count], run.size(10, 500))

        full_from = {name: _full_from(clients, name) for name in message_list.QUESTIONS}
        names = {count: f"accept and deliver, {count:,} records" for count in records}
        found = run.alternate(
            *(Side(name, lambda count=count: one(count), "ms") for count, name in names.items())  # type: ignore[misc]
        )
    asked = {
        count: {name: Figure(name, "ms", run.counted(spent)) for name, spent in by_name.items()}
        for count, by_name in questions.items()
    }
    grown = {
        name: ratio(f"list {name}, {many:,} / {base:,}", asked[many][name], asked[base][name])
        for name, base in full_from.items()
    }
    slowest = max(grown.values(), key=lambda figure: figure.median)
    return Result(
        f"the ledger's part of one notification by how many records it holds, and lists of {many:,}",
        [
            *found.values(),
            *(Figure(f"list {name}", "ms", figure.rounds) for name, figure in asked[many].items()),
            *_bytes(run),
        ],
        [
            Goal(ratio(f"accept and deliver, {many:,} / {few:,}", found[names[many]], found[names[few]]),
                 at_most=ALLOWED),
            Goal(slowest, at_most=ALLOWED),
        ],
        {"servers": "one Redis for each number of records, without persistence: its own work is what grows"},
        [_NOTE],
    )  # fmt: skip


def _full_from(clients: Mapping[int, redis.Redis], question: str) -> int:
    """The fewest records among which a list is as long as among the most."""
    wanted = message_list.QUESTIONS[question]
    lengths = {
        count: len(LedgerQueries(client).search(wanted, limit=message_list.PAGE).summaries)
        for count, client in clients.items()
    }
    return min(count for count, length in lengths.items() if length == lengths[max(lengths)])


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
