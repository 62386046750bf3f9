"""Programs that publish over HTTP and by the command line, again under the same key where a reply is lost."""

from __future__ import annotations

import itertools
import json
import random
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

import requests

from tests.rigs.api_client import ApiClient
from tests.rigs.embedded import PROJECT
from tests.rigs.installation import Installation
from tests.rigs.notifications import email

BATCH: Final = 10
#: Ten minutes of trying.
_TRIES: Final = 3_000
_PAUSE_SECONDS: Final = 0.2
#: A command that ends well is the rule: Redis is there all the time.
_COMMANDS: Final = 20
_COMMAND_LINE_SECONDS: Final = 60
#: From the start of a command until it has told its receipt, on a machine that is not too busy.
_COMMAND_LASTS_SECONDS: Final = 0.8


class FrontDoors:
    """Publishes each notification under a key of its own; safe between threads.

    Args:
        installation: Whose.
        address: Where its console is now.
        token: For the API.

    Attributes:
        receipts: The id for each key, once it is told.
        again: How many were told to be there already: the first reply was lost.
        lost_replies: Requests that ended without a reply, or with one that says to come again.
        killed_commands: Command lines that were killed in the middle.
    """

    def __init__(self, installation: Installation, address: Callable[[], str], token: str) -> None:
        self._installation = installation
        self._address = address
        self._token = token
        self._lock = threading.Lock()
        self.receipts: dict[str, str] = {}
        self.again = 0
        self.lost_replies = 0
        self.killed_commands = 0

    def singly(self, count: int) -> None:
        """Publish so many over HTTP, one a request."""
        for _ in range(count):
            key = str(uuid.uuid4())
            self._keep(key, self._post("/notifications", self._document(), key))

    def in_batches(self, count: int) -> None:
        """Publish so many over HTTP, several a request; the keys are the request's and the place."""
        for start in range(0, count, BATCH):
            key = str(uuid.uuid4())
            documents = [self._document() for _ in range(min(BATCH, count - start))]
            answer = self._post("/notifications/batch", {"notifications": documents}, key)
            for place, result in enumerate(answer["results"]):
                assert "receipt" in result, result
                self._keep(f"{key}:{place}", result["receipt"])

    def by_command_line(self, count: int, dice: random.Random) -> None:
        """Publish so many by the command line; every second command is killed at a moment of chance."""
        for number in range(count):
            key = str(uuid.uuid4())
            if number % 2:
                self._command(key, killed_after=dice.uniform(0.1, _COMMAND_LASTS_SECONDS))
            for _ in range(_COMMANDS):
                receipt = self._command(key)
                if receipt is not None:
                    self._keep(key, receipt)
                    break

    @staticmethod
    def _document() -> dict[str, Any]:
        return dict(email(subject="chaos"))

    def _keep(self, key: str, receipt: dict[str, Any]) -> None:
        with self._lock:
            assert key not in self.receipts
            self.receipts[key] = str(receipt["id"])
            self.again += bool(receipt.get("again"))

    def _post(self, path: str, document: object, key: str) -> dict[str, Any]:
        """The answer, however often it has to be asked for."""
        for attempt in itertools.count():
            try:
                answer = ApiClient(self._address(), self._token).post(
                    path, document, headers={"Idempotency-Key": key}
                )
            except requests.RequestException:
                answer = None
            if answer is not None and answer.ok:
                found: dict[str, Any] = answer.json()
                return found
            if answer is not None and answer.status_code != HTTPStatus.SERVICE_UNAVAILABLE:
                raise AssertionError(f"{answer.status_code} {answer.text}")
            with self._lock:
                self.lost_replies += 1
            if attempt >= _TRIES:
                raise AssertionError("the console does not come back")
            time.sleep(_PAUSE_SECONDS)
        raise AssertionError("unreachable")

    def _command(self, key: str, *, killed_after: float | None = None) -> dict[str, Any] | None:
        """What a command told; None where it told nothing."""
        command = [sys.executable, "-m", "console.cli.main", "send", "email", "--to", "ops@example.com"]
        command += ["--subject", "chaos", "--message", "chaos", "--key", key, "--json"]
        with subprocess.Popen(
            command,
            cwd=PROJECT,
            env=self._installation.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as process:
            try:
                told, _ = process.communicate(timeout=killed_after or _COMMAND_LINE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                with self._lock:
                    self.killed_commands += 1
                return None
        return json.loads(told) if process.returncode == 0 else None
