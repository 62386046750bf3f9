"""What somebody who publishes is told while Redis does not answer, at each door, and how long that takes."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Final

import redis

from benchmarks.chaos.doors import Doors
from benchmarks.chaos.outcome import Outcome, Row
from settings_store.access import Access
from tests.rigs.api_client import ApiClient, token_for
from tests.rigs.console import running_console
from tests.rigs.embedded import PROJECT
from tests.rigs.installation import Installation
from tests.rigs.notifications import email

#: What each may take, and what that is made of: time-outs of `redis_client`, `console`, and some start-up.
LONGEST_SECONDS: Final = {"Publisher": 25.0, "HTTP": 15.0, "command line": 15.0}
_PATIENCE_SECONDS: Final = 120


def a_publisher_is_told(installation: Installation) -> str:
    """The name of the error of `Publisher`; blank where it accepted."""
    doors = Doors(installation)
    try:
        doors.accept_one()
    except redis.RedisError as error:
        return type(error).__name__
    finally:
        doors.close()
    return ""


class Askers:
    """Somebody at each door, who was well before."""

    def __init__(self, installation: Installation, api: ApiClient) -> None:
        self._installation = installation
        self._api = api

    def ask_all(self, outcome: Outcome) -> None:
        """Publish at each door, and note what was told; a fault for what is no error or took too long."""
        asked: dict[str, Callable[[], str]] = {
            "Publisher": lambda: a_publisher_is_told(self._installation),
            "HTTP": self._http,
            "command line": self._command_line,
        }
        rows: list[Row] = []
        for door, ask in asked.items():
            began = time.monotonic()
            told = ask()
            seconds = time.monotonic() - began
            rows.append((door, f"{seconds:.1f}", told))
            outcome.expect(that=bool(told), else_fault=f"{door}: no error")
            outcome.expect(
                that=seconds <= LONGEST_SECONDS[door], else_fault=f"{door}: told after {seconds:.1f} s"
            )
        outcome.table = [("door", "seconds", "told"), *rows]

    def _http(self) -> str:
        answer = self._api.post("/notifications", email(subject="chaos"))
        return "" if answer.ok else f"{answer.status_code} {answer.json()['detail']}"

    def _command_line(self) -> str:
        command = [sys.executable, "-m", "console.cli.main", "send", "email", "--to", "ops@example.com"]
        ran = subprocess.run(
            [*command, "--message", "chaos"],
            cwd=PROJECT,
            env=self._installation.environ,
            check=False,
            capture_output=True,
            text=True,
            timeout=_PATIENCE_SECONDS,
        )
        return "" if ran.returncode == 0 else f"exit code {ran.returncode}, {ran.stderr.splitlines()[0]}"


@contextlib.contextmanager
def askers(installation: Installation) -> Iterator[Askers]:
    """A console that runs, and somebody who has spoken to it before."""
    with running_console(installation.server.url, installation.folder / "console") as console:
        api = ApiClient(console.address, token_for(Access(installation.runtime.redis)))
        assert api.get("/notifications").ok
        yield Askers(installation, api)
