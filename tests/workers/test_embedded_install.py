"""Installing on a machine that has Python and nothing else; what it lacks is said plainly."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.rigs.embedded import PROJECT
from tests.rigs.processes import require_program
from workers.embedded import install
from workers.embedded.announce import Announcer


def test_the_installer_needs_the_standard_library_alone() -> None:
    # -S: no site-packages, as on a machine where nothing was installed yet.
    ended = subprocess.run(
        [sys.executable, "-S", "-c", "import workers.embedded.install"],
        cwd=PROJECT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with one pin file, in which pip is only written down."""
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "run.txt").write_text("one==1 \\\n    --hash=sha256:0\ntwo==2\n")
    (tmp_path / "pyproject.toml").touch()
    monkeypatch.setattr(install, "PROJECT", tmp_path)
    monkeypatch.setattr(install, "ENVIRONMENT", tmp_path / ".venv")
    monkeypatch.setattr(install, "_PYTHON", tmp_path / ".venv" / "bin" / "python")
    return tmp_path


def test_a_python_without_venv_is_told_the_package_to_install(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "ensurepip" else object())
    with pytest.raises(install.InstallFault, match="lacks the module ensurepip") as fault:
        install.install("run", Announcer())
    assert fault.value.hint.startswith("apt install python3-venv")
    assert not (project / ".venv").exists()


def test_what_is_installed_is_left_alone_until_the_pins_change(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands: list[tuple[str, ...]] = []

    def write_down(command: tuple[str, ...]) -> None:
        commands.append(command)
        (project / ".venv").mkdir(exist_ok=True)

    monkeypatch.setattr(install, "_run", write_down)
    monkeypatch.setattr(install, "_works", (project / ".venv").is_dir)
    install.install("run", Announcer())
    assert ["venv" in command for command in commands] == [True, False, False]
    assert "--require-hashes" in commands[1]
    assert "--no-build-isolation" in commands[2]
    install.install("run", Announcer())
    assert len(commands) == 3
    (project / "requirements" / "run.txt").write_text("one==3\n")
    install.install("run", Announcer())
    assert ["venv" in command for command in commands[3:]] == [False, False]


def test_an_install_that_failed_is_tried_again(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python = project / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\ncase "$*" in *install*) echo the reason; exit 1;; esac\n')
    python.chmod(0o755)
    monkeypatch.setattr(install, "_PIP", (str(python), "-m", "pip"))
    for _ in range(2):
        with pytest.raises(install.InstallFault, match="the reason"):
            install.install("run", Announcer())


def test_a_python_that_is_too_old_or_missing_is_said_by_make(tmp_path: Path) -> None:
    make = require_program("make")
    old = tmp_path / "python-old"
    old.write_text('#!/bin/sh\ncase "$2" in *exit*) exit 1;; *) echo 3.9.2;; esac\n')
    old.chmod(0o755)
    for python, said in ((str(old), "is 3.9.2"), ("no-such-python", "there is no no-such-python")):
        ended = subprocess.run(
            [make, "up", f"PYTHON={python}"], cwd=PROJECT, check=False, capture_output=True, text=True
        )
        assert ended.returncode != 0
        assert said in ended.stdout
        assert "hint: " in ended.stdout
        assert "Traceback" not in ended.stdout + ended.stderr


def test_every_pin_has_its_hash_and_what_builds_our_package_is_pinned() -> None:
    for name in ("run", "dev"):
        text = (PROJECT / "requirements" / f"{name}.txt").read_text()
        pins = text.replace("\\\n", "").splitlines()
        unhashed = [pin for pin in pins if "==" in pin and "--hash=sha256:" not in pin]
        assert not unhashed
        assert any(pin.startswith("setuptools==") for pin in pins)


@pytest.mark.parametrize("name", sorted(path.name for path in (PROJECT / "requirements").glob("*.txt")))
def test_no_file_of_pins_names_an_index(name: str) -> None:
    text = (PROJECT / "requirements" / name).read_text()
    assert "==" in text
    assert "://" not in text
    assert not re.search(r"^\s*(-i|-f|--\S*(index|find-links|trusted-host))", text, re.MULTILINE)
