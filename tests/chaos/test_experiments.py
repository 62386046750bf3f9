"""Experiments of `benchmarks.chaos` in their short form: what they break breaks no promise."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.chaos.experiments import EXPERIMENTS, IN_THE_TESTS
from benchmarks.chaos.setting import Setting


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", IN_THE_TESTS)
def test_what_is_broken_loses_nothing_and_hides_nothing(name: str, tmp_path: Path) -> None:
    outcome = EXPERIMENTS[name](Setting(tmp_path))
    assert outcome.faults == [], outcome
