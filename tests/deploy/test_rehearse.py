"""`deploy/rehearse` tells its days, and refuses one that it has not, before it touches Docker."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from tests.rigs.embedded import PROJECT

SCRIPT = PROJECT / "deploy" / "rehearse"
DAYS = ("doors", "killed", "failover", "redis", "upgrade", "hung", "stop")


def rehearse(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run it where every word to Docker is written down."""
    for name in ("docker", "docker-compose"):
        program = folder / name
        program.write_text(f'#!/bin/sh\necho "$@" >>{folder}/told\nexit 1\n', encoding="utf-8")
        program.chmod(0o755)
    environ = {"PATH": f"{folder}:/usr/bin:/bin"}
    return subprocess.run(
        [str(SCRIPT), *words], capture_output=True, text=True, check=False, env=environ, cwd=folder
    )


def test_every_day_is_told_in_the_order_in_which_it_runs(tmp_path: Path) -> None:
    told = rehearse(tmp_path, "--help")
    assert told.returncode == 0
    assert tuple(re.findall(r"^  (\w+) {2,}\S", told.stdout, re.MULTILINE)) == DAYS
    assert max(len(line) for line in told.stdout.splitlines()) <= 80
    text = SCRIPT.read_text(encoding="utf-8")
    for day in DAYS:
        assert f"\n{day}() {{" in text


def test_an_option_that_it_has_not_is_refused(tmp_path: Path) -> None:
    refused = rehearse(tmp_path, "--fast")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.startswith("error: no such option: --fast\n")


def test_a_day_that_it_has_not_is_refused_before_anything_starts(tmp_path: Path) -> None:
    refused = rehearse(tmp_path, "doors", "doomsday")
    assert refused.returncode == 2
    assert refused.stderr == f"error: no such day: doomsday; there are {' '.join(DAYS)}\n"
    assert not (tmp_path / "told").exists()
