"""Each experiment of `benchmarks.chaos` in its short form: what it breaks breaks no promise."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.chaos.experiments import EXPERIMENTS
from benchmarks.chaos.setting import Setting


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_what_is_broken_loses_nothing_and_hides_nothing(name: str, tmp_path: Path) -> None:
    outcome = EXPERIMENTS[name](Setting(tmp_path))
    assert outcome.faults == [], outcome
