"""Real programs that tests start: found by name, on free ports, ended by pid."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

START_DEADLINE_SECONDS = 60.0


def require_program(name: str) -> str:
    """The path of a system program; without it the test is skipped by name, and in CI it fails."""
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin:/sbin")
    if path is None:
        if os.environ.get("CI"):
            pytest.fail(f"CI lacks the program {name}")
        pytest.skip(f"needs the program {name}")
    return path


def free_port() -> int:
    """A TCP port on loopback that nothing listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until(
    condition: Callable[[], object], *, seconds: float = 60.0, what: str = "the condition"
) -> None:
    """Return once the condition holds; fail by name when it does not within the deadline."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"{what} did not come true within {seconds:g} s")
        time.sleep(0.01)


@contextlib.contextmanager
def running_redis(program: str, folder: Path, *options: str, port: int | None = None) -> Iterator[str]:
    """A real server with the durability we ask for, on a free port unless one is named; yields its URL."""
    port = port or free_port()
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "yes"]
    command += ["--appendfsync", "everysec", "--dir", str(folder), *options]
    with (
        (folder / "server.log").open("wb") as log,
        subprocess.Popen(command, stdout=log, stderr=log) as server,
    ):
        try:
            url = f"redis://127.0.0.1:{port}/0"
            client = redis.Redis.from_url(url)

            def answers() -> bool:
                try:
                    return bool(client.ping())
                except redis.AuthenticationError:
                    return True  # it has users of its own, and asks who is there
                except redis.ConnectionError:
                    return False

            wait_until(answers, seconds=START_DEADLINE_SECONDS, what=f"{program} answering")
            client.close()
            yield url
        finally:
            server.kill()
