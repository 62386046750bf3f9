"""A real Flower beside the worker, asked over its own HTTP API."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.rigs.embedded import PROJECT
from tests.rigs.processes import free_port, wait_until

USER = "operator"
PASSWORD = "only for tests"


class Flower:
    """One Flower."""

    def __init__(self, port: int) -> None:
        self._port = port

    def ask(
        self, path: str, *, form: Mapping[str, str] | None = None, password: str | None = PASSWORD
    ) -> tuple[int, str]:
        """Status and body of a page; with a form it is posted. Without a password nobody is signed in."""
        headers = {}
        if password is not None:
            credentials = base64.b64encode(f"{USER}:{password}".encode()).decode()
            headers["Authorization"] = f"Basic {credentials}"
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)
        with contextlib.closing(connection):
            if form is None:
                connection.request("GET", path, headers=headers)
            else:
                headers["Content-Type"] = "application/x-www-form-urlencoded"
                connection.request("POST", path, urlencode(form), headers)
            reply = connection.getresponse()
            return reply.status, reply.read().decode()

    def tasks(self) -> dict[str, dict[str, Any]]:
        """Every row it shows, by task id."""
        status, body = self.ask("/api/tasks")
        assert status == 200, body
        rows: dict[str, dict[str, Any]] = json.loads(body)
        return rows

    def task(self, task_id: str) -> dict[str, Any]:
        """One row; empty while it has none."""
        status, body = self.ask(f"/api/task/info/{task_id}")
        row: dict[str, Any] = json.loads(body) if status == 200 else {}
        return row

    def wait_task(self, task_id: str, state: str) -> dict[str, Any]:
        """Wait until it shows a task in this state; the row then."""
        wait_until(
            lambda: self.task(task_id).get("state") == state, what=f"Flower showing {task_id} as {state}"
        )
        return self.task(task_id)

    def revoke(self, task_id: str) -> None:
        """Press Revoke."""
        status, body = self.ask(f"/api/task/revoke/{task_id}", form={"terminate": "false"})
        assert status == 200, body


@contextlib.contextmanager
def running_flower(environ: Mapping[str, str], log: Path) -> Iterator[Flower]:
    """Start Flower for our app; it listens before this returns."""
    port = free_port()
    command = [sys.executable, "-m", "celery", "-A", "workers", "flower"]
    command += ["--address=127.0.0.1", f"--port={port}"]
    with (
        log.open("ab") as output,
        subprocess.Popen(
            command,
            cwd=PROJECT,
            env={**environ, "FLOWER_BASIC_AUTH": f"{USER}:{PASSWORD}"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        ) as process,
    ):
        flower = Flower(port)

        def listens() -> bool:
            assert process.poll() is None, log.read_text()
            with contextlib.suppress(OSError):
                return flower.ask("/healthcheck")[0] == 200
            return False

        try:
            wait_until(listens, seconds=40, what="Flower answering")
            yield flower
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=10)
            process.kill()
