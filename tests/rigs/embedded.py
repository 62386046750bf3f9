"""`make up` as a process, on free ports and a folder of its own, with what it said and what it started."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.rigs.processes import free_port, wait_until
from workers.embedded.choices import DEFAULT_PORTS

PROJECT = Path(__file__).resolve().parents[2]
STAND_IN = (sys.executable, "-m", "tests.rigs.embedded_stand_in")
REAL = (sys.executable, "-m", "workers.embedded", "up")
#: The last line of the box.
STARTED = "Ctrl-C stops everything."
END_DEADLINE_SECONDS = 30.0


def clean_environment(home: Path, **more: str) -> dict[str, str]:
    """The tests' environment without any setting of ours but the data folder."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("NOTIFY_")}
    return {**inherited, "NOTIFY_HOME": str(home), "PYTHONPATH": str(PROJECT), **more}


def run_embedded(home: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """A command of `python -m workers.embedded` that ends by itself."""
    return subprocess.run(
        [sys.executable, "-m", "workers.embedded", *arguments],
        env=clean_environment(home, **more),
        check=False,
        capture_output=True,
        text=True,
        timeout=END_DEADLINE_SECONDS,
    )


@dataclass
class Up:
    """A `make up` that runs."""

    process: subprocess.Popen[bytes]
    home: Path
    output: Path
    ports: Mapping[str, int] = field(default_factory=dict)

    def said(self) -> str:
        """Everything it wrote."""
        return self.output.read_text(encoding="utf-8")

    def wait_said(self, text: str) -> None:
        """Wait until it wrote this; fails at once when it ended without."""
        wait_until(
            lambda: text in self.said() or self.process.poll() is not None,
            seconds=60,
            what=f"{text!r} being said",
        )
        assert text in self.said(), self.said()

    def wait_end(self) -> int:
        """Its exit code."""
        return self.process.wait(timeout=END_DEADLINE_SECONDS)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal, and its exit code."""
        self.process.send_signal(number)
        return self.wait_end()

    def children(self) -> dict[int, str]:
        """The processes that it and they started: pid → command line."""
        return descendants(self.process.pid)

    def child(self, text: str) -> int:
        """The pid of the one whose command line holds this text."""
        (pid,) = [pid for pid, command in self.children().items() if text in command]
        return pid


def descendants(pid: int) -> dict[int, str]:
    """Every process below this one: pid → command line."""
    parents: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            parents.setdefault(parent, []).append(int(folder.name))
    found: dict[int, str] = {}
    below = parents.get(pid, [])
    while below:
        with contextlib.suppress(OSError):
            command = Path(f"/proc/{below[0]}/cmdline").read_bytes().replace(b"\0", b" ").decode()
            found[below[0]] = command
        below = [*below[1:], *parents.get(below[0], [])]
    return found


def lives(pid: int) -> bool:
    """Whether the process runs; one that ended and waits to be noticed does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@contextlib.contextmanager
def running_up(
    home: Path,
    *,
    command: tuple[str, ...] = STAND_IN,
    ports: Mapping[str, int] | None = None,
    environment: Mapping[str, str] | None = None,
    wait: bool = True,
) -> Iterator[Up]:
    """Start it, wait for its box, and end it whatever happened."""
    home.mkdir(parents=True, exist_ok=True)
    chosen = {name: free_port() for name in DEFAULT_PORTS} if ports is None else dict(ports)
    options = [option for name, port in chosen.items() for option in ("--port", f"{name}={port}")]
    output = home.with_name(f"{home.name}.said")
    with output.open("wb") as said:
        process = subprocess.Popen(
            [*command, *options],
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            env=clean_environment(home, **(environment or {})),
            start_new_session=True,
        )
    up = Up(process, home, output, chosen)
    left = {}
    try:
        if wait:
            up.wait_said(STARTED)
        left = up.children()
        yield up
    finally:
        left |= up.children()
        if process.poll() is None:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                up.wait_end()
        process.kill()
        process.wait()
        for pid in filter(lives, left):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
