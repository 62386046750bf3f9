"""The health check of a container: by sign of life, and by nothing else."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from tasks.fleet import LIFETIME_SECONDS, WorkerLife, redis_clock
from tests.rigs.embedded import PROJECT
from tests.rigs.installation import Installation
from tests.rigs.processes import free_port, wait_until
from workers import alive

HERE = f"celery@{socket.gethostname()}"


@pytest.fixture(autouse=True)
def surroundings(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_REDIS_URL", installation.server.url)


def beat(installation: Installation, name: str) -> None:
    now_ms, _ = redis_clock(installation.runtime.redis)
    installation.runtime.fleet.beat(name, WorkerLife(unfit="no key"), at_ms=now_ms)


def test_a_worker_lives_while_it_beats(
    installation: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    assert alive.main([]) == 1
    beat(installation, HERE)
    assert alive.main([]) == 0
    installation.server.advance(LIFETIME_SECONDS + 1)
    assert alive.main([]) == 1
    assert capsys.readouterr().err == f"error: no sign of life from {HERE}\n" * 2


def test_what_is_asked_every_few_seconds_brings_in_no_ledger() -> None:
    program = "import sys, workers.alive; print('tasks.fleet' in sys.modules, 'tasks.ledger' in sys.modules)"
    said = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT, check=True, capture_output=True, text=True
    )
    assert said.stdout == "True False\n"


def test_another_can_be_asked_for_by_name(installation: Installation) -> None:
    beat(installation, "second@host")
    assert (alive.main(["second@host"]), alive.main(["third@host"])) == (0, 1)


def test_a_real_worker_is_found_by_the_name_it_has_by_itself(installation: Installation) -> None:
    with installation.worker():
        wait_until(lambda: alive.main([]) == 0, what="the first sign of life")
    assert alive.main([]) == 1


def test_without_redis_or_surroundings_the_answer_is_no_and_says_why(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NOTIFY_REDIS_URL", f"redis://127.0.0.1:{free_port()}/0")
    assert alive.main([]) == 1
    monkeypatch.setenv("NOTIFY_REDIS_URL", "http://x")
    assert alive.main([]) == 1
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("error: Redis does not answer")
    assert second.startswith("error: NOTIFY_REDIS_URL must start with")
