"""Run experiments and print what came of each; exit code 1 where one of them broke the promise."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import tempfile
from pathlib import Path

from benchmarks.chaos.experiments import EXPERIMENTS, IN_THE_TESTS
from benchmarks.chaos.outcome import Outcome, Row
from benchmarks.chaos.setting import Setting


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chaos", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="EXPERIMENT", help="; ".join(EXPERIMENTS))
    parser.add_argument(
        "--short",
        action="store_true",
        help="fewer of everything; without names, those that are among the tests",
    )
    parser.add_argument("--seed", type=int, default=1, help="decides where it breaks what (1)")
    parser.add_argument("--json", action="store_true", help="one JSON object an experiment, a line each")
    asked = parser.parse_args()
    unknown = set(asked.names) - EXPERIMENTS.keys()
    if unknown:
        parser.error(f"no such experiment: {', '.join(sorted(unknown))}; allowed: {', '.join(EXPERIMENTS)}")
    outcomes = []
    for name in asked.names or (IN_THE_TESTS if asked.short else EXPERIMENTS):
        with tempfile.TemporaryDirectory(prefix="chaos-", ignore_cleanup_errors=True) as folder:
            outcome = EXPERIMENTS[name](Setting(Path(folder), asked.seed, short=asked.short))
        outcomes.append(outcome)
        print(
            json.dumps(dataclasses.asdict(outcome)) if asked.json else "\n".join(lines(outcome)), flush=True
        )
    return int(any(outcome.faults for outcome in outcomes))


def lines(outcome: Outcome) -> list[str]:
    """What is printed of one."""
    mark = "✗" if outcome.faults else "✓"
    told = [
        f"{mark} {outcome.name:<22}{outcome.notifications:>8,} in {outcome.seconds:,.1f} s  {outcome.broken}"
    ]
    for name, figure in outcome.figures.items():
        label = name.replace("_", " ")
        match figure:
            case dict():
                counted = ", ".join(f"{key} {value}" for key, value in figure.items())
                told.append(f"    {label:<48}{counted}")
            case _:
                told.append(f"    {label:<48}{figure}")
    return [*told, *_aligned(outcome.table), *(f"    ✗ {fault}" for fault in outcome.faults)]


def _aligned(table: list[Row]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return [
        "    " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in table
    ]


if __name__ == "__main__":
    sys.exit(main())
