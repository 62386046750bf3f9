"""`python3 -m workers.embedded.install run|dev`: installs into `.venv`, each package checked by its hash.

It runs before anything is installed and needs nothing but the standard library. What is installed already
is left alone: a file in `.venv` says from which pins.
"""

from __future__ import annotations

import hashlib
import importlib.util
import platform
import subprocess
import sys
from pathlib import Path

from workers.embedded.announce import Announcer

PROJECT = Path(__file__).resolve().parents[2]
ENVIRONMENT = PROJECT / ".venv"
_PYTHON = ENVIRONMENT / "bin" / "python"
_PIP = (str(_PYTHON), "-m", "pip", "--disable-pip-version-check", "--no-input")
_LINES_SHOWN = 15


class InstallFault(Exception):
    """Nothing can be installed; the message says why.

    Attributes:
        hint: What to do.
    """

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def install(pins: str, announcer: Announcer) -> None:
    """Install the pins of this name, unless they are.

    Args:
        pins: `run` for what runs, `dev` for what checks and tests too.
        announcer: Where it tells; nothing is said where nothing is to be done.

    Raises:
        InstallFault: It cannot be done here.
    """
    requirements = PROJECT / "requirements" / f"{pins}.txt"
    stamp = ENVIRONMENT / f"installed-{pins}"
    state = _state(requirements)
    if stamp.exists() and stamp.read_text(encoding="ascii") == state and _works():
        return
    if not _works():
        _check_python()
        with announcer.step(f"virtual environment {ENVIRONMENT.name}, Python {platform.python_version()}"):
            _run((sys.executable, "-m", "venv", "--clear", str(ENVIRONMENT)))
    stamp.unlink(missing_ok=True)
    count = requirements.read_text(encoding="utf-8").count("==")
    with announcer.step(f"{count} packages, each checked by its hash"):
        _run((*_PIP, "install", "--quiet", "--require-hashes", "--requirement", str(requirements)))
    with announcer.step("the command notify"):
        # Without isolation the build uses the setuptools of the pins and fetches nothing.
        own = ("--no-deps", "--no-build-isolation", "--editable", str(PROJECT))
        _run((*_PIP, "install", "--quiet", *own))
    stamp.write_text(state, encoding="ascii")


def _state(requirements: Path) -> str:
    """Changes when what is to be installed does, or the project is moved."""
    parts = (requirements.read_bytes(), (PROJECT / "pyproject.toml").read_bytes(), str(PROJECT).encode())
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def _works() -> bool:
    """Whether the virtual environment runs and has pip; a half-made one does not."""
    if not _PYTHON.exists():
        return False
    tried = subprocess.run(  # noqa: S603 - our own interpreter
        [str(_PYTHON), "-c", "import pip"], check=False, capture_output=True
    )
    return tried.returncode == 0


def _check_python() -> None:
    for module in ("venv", "ensurepip"):
        if importlib.util.find_spec(module) is None:
            raise InstallFault(
                f"Python {platform.python_version()} lacks the module {module}, "
                "so no virtual environment can be made",
                "apt install python3-venv, then the same command again",
            )


def _run(command: tuple[str, ...]) -> None:
    ended = subprocess.run(  # noqa: S603 - commands of this file
        command, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    if ended.returncode:
        lines = ended.stdout.decode("utf-8", "replace").splitlines()[-_LINES_SHOWN:]
        raise InstallFault(
            "\n    ".join([f"{' '.join(command[1:4])} failed:", *lines]),
            "the packages come from your Python package index: is it reachable from here?",
        )


def main() -> int:
    """Install what the argument names."""
    announcer = Announcer()
    try:
        install(sys.argv[1], announcer)
    except InstallFault as fault:
        announcer.fault(str(fault), fault.hint)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
