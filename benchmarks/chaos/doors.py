"""The doors by which notifications come in: Publisher, one or many, command line, `notify.submit`."""

from __future__ import annotations

import itertools
import json
import random
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import kombu.exceptions
import redis
from celery import Celery

from tasks.ledger import LedgerUnavailable
from tasks.publisher import Published, Publisher
from tests.rigs.embedded import PROJECT
from tests.rigs.installation import Installation
from tests.rigs.notifications import email

_AT_ONCE = 10
_FOR_BATCHES = 64
#: Five minutes of trying.
_TRIES = 3_000
_PAUSE_SECONDS = 0.1
_COMMAND_LINE_SECONDS = 60


class Doors:
    """Publishes by all doors in turn, and knows by which each notification came.

    Attributes:
        accepted: Ids for which there is a receipt.
        submitted: Ids that were handed to the broker; the promise begins later for them.
    """

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._publisher = Publisher.connect(installation.environment)
        self._sender = Celery("sender", broker=installation.environment.broker_url, set_as_current=False)
        self.accepted: list[str] = []
        self.submitted: list[str] = []
        #: Calls that raised and were made again under the same ids.
        self.asked_again = 0

    def close(self) -> None:
        self._publisher.close()
        self._sender.close()

    def publish(self, count: int, dice: random.Random, *, by_command_line: int) -> Iterator[int]:
        """Publish so many; yields how many are in after each step.

        Args:
            count: How many.
            dice: Decides in which order the doors are used.
            by_command_line: How many go by the command line, a process each.
        """
        doors: list[Callable[[int], int]] = [self._singly, self._together, self._in_batches, self._submit]
        at = sorted(dice.sample(range(count), by_command_line))
        done = 0
        while done < count:
            if at and done >= at[0]:
                at.pop(0)
                self.by_command_line()
                done += 1
                yield done
                continue
            for door in dice.sample(doors, len(doors)):
                done += door(count - done)
                yield done

    def _singly(self, most: int) -> int:
        many = min(_AT_ONCE, most)
        for _ in range(many):
            self.insist([self.document()])
        return many

    def _together(self, most: int) -> int:
        documents = [self.document() for _ in range(min(_AT_ONCE, most))]
        self.insist(documents)
        return len(documents)

    def _in_batches(self, most: int) -> int:
        """So many at once that a worker gets several in one message."""
        documents = [self.document() for _ in range(min(_FOR_BATCHES, most))]
        self.insist(documents)
        return len(documents)

    def document(self, **more: object) -> dict[str, Any]:
        """An e-mail under an id of its own."""
        return {**email(subject="chaos", **more), "id": str(uuid.uuid4())}

    def accept_one(self) -> None:
        """Publish one, with whatever that raises."""
        self._publisher.publish(self.document())

    def insist(self, documents: list[dict[str, Any]]) -> None:
        """Publish, and as a caller should: where it is unknown whether that worked, again by the same ids."""
        for attempt in itertools.count():
            try:
                answers = self._publisher.publish_many(documents)
            except (redis.RedisError, LedgerUnavailable):
                if attempt >= _TRIES:
                    raise
                self._ask_again()
                continue
            for answer in answers:
                assert isinstance(answer, Published), answer
                self.accepted.append(answer.id)
            return

    def _ask_again(self) -> None:
        self.asked_again += 1
        time.sleep(_PAUSE_SECONDS)

    def _submit(self, most: int) -> int:
        many = min(_AT_ONCE, most)
        for _ in range(many):
            self._insist_on_submitting()
        return many

    def _insist_on_submitting(self) -> None:
        """The same for the broker: what raised may have come in, and comes in once by its task id."""
        task_id = str(uuid.uuid4())
        for attempt in itertools.count():
            try:
                self.submit(task_id)
            except (kombu.exceptions.OperationalError, redis.RedisError):
                if attempt >= _TRIES:
                    raise
                self._ask_again()
            else:
                return

    def submit(self, task_id: str | None = None) -> str:
        """Hand one to the broker as any Celery app does; its id."""
        document = {**email(subject="chaos")}
        sent = self._sender.send_task(
            "notify.submit",
            kwargs={"notification": document},
            queue="notify.normal",
            task_id=task_id,
            ignore_result=True,
        )
        self.submitted.append(sent.id)
        return str(sent.id)

    def by_command_line(self) -> None:
        """Send one with `notify send email`, in a process of its own."""
        command = [sys.executable, "-m", "console.cli.main", "send", "email", "--to", "ops@example.com"]
        ran = subprocess.run(
            [*command, "--message", "chaos", "--json"],
            cwd=PROJECT,
            env=self._installation.environ,
            check=True,
            capture_output=True,
            text=True,
            timeout=_COMMAND_LINE_SECONDS,
        )
        self.accepted.append(json.loads(ran.stdout)["id"])
