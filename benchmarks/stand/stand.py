"""A notifier to be measured: a Redis on real time, set as deployed, with workers beside it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import redis
from celery import Celery

from benchmarks.measuring.run import Run
from benchmarks.stand.emptying import Emptied, emptied
from benchmarks.stand.settings import REDIS_OPTIONS
from settings_store.keyring import generate
from settings_store.redis_client import connect
from tasks.broker import transport_options
from tests.rigs.installation import Site
from tests.rigs.processes import running_redis
from tests.rigs.worker import Worker, running_worker

TEXT = "The nightly job ended with exit code 12; see the log.\n" * 38
TEXT_BYTES = len(TEXT)
EMPTY_QUEUE = EMPTY_TASK = "benchmark.empty"
TELLING_TASK = "benchmark.telling"
QUIET = "--loglevel=WARNING"
EMPTY_APP = "benchmarks.stand.empty_task"


class Stand(Site):
    """A site whose Redis runs on real time.

    Attributes:
        client: Looks into Redis.
    """

    def __init__(self, url: str, folder: Path) -> None:
        super().__init__(url, folder, NOTIFY_KEY_FILE=str(folder / "keys.json"))
        self.client: redis.Redis = connect(url)
        self._celery = Celery("filler", broker=url, set_as_current=False)
        self._celery.conf.update(task_serializer="json", broker_transport_options=transport_options())

    def close(self) -> None:
        self._celery.close()
        self.client.close()
        self.runtime.close()

    @contextlib.contextmanager
    def quiet_worker(self, *options: str, **more: str) -> Iterator[Worker]:
        """A worker that logs as much as one does that is started with no option; it may still be starting."""
        with self.worker(QUIET, *options, wait=False, **more) as worker:
            yield worker

    @contextlib.contextmanager
    def empty_worker(self, *options: str, **more: str) -> Iterator[Worker]:
        """The same, of the empty task."""
        with self.other_worker(EMPTY_APP, *options, **more) as worker:
            yield worker

    @contextlib.contextmanager
    def other_worker(self, application: str, *options: str, **more: str) -> Iterator[Worker]:
        """The same, of any Celery app."""
        environ, log = {**self.environ, **more}, self.folder / f"{application}.log"
        with running_worker(environ, log, QUIET, *options, application=application, wait=False) as worker:
            yield worker

    def living(self) -> int:
        """How many workers of the notifier give a sign of life."""
        return len(self.runtime.fleet.alive())

    def send_task(self, task: str, arguments: Sequence[object], *, queue: str) -> None:
        """Send a task as any program does."""
        self._celery.send_task(task, arguments, queue=queue, ignore_result=True)

    def send_empty(self, count: int) -> None:
        """Send so many empty tasks, as any program does."""
        for _ in range(count):
            self.send_task(EMPTY_TASK, (), queue=EMPTY_QUEUE)

    def send_telling(self, port: int) -> None:
        """Send a task that tells a UDP port of this machine when it runs."""
        self.send_task(TELLING_TASK, (port,), queue=EMPTY_QUEUE)

    def empty_left(self) -> int:
        """Empty tasks that no slot has begun."""
        return int(self.client.llen(EMPTY_QUEUE)) + int(self.client.hlen("notify.unacked"))

    def publish_singly(self, count: int) -> None:
        """Publish so many 2 KB mails, each by a call of its own."""
        for number in range(count):
            self.publish(subject=f"Job {number} failed", message=TEXT)

    def publish_together(self, count: int) -> None:
        """Publish so many 2 KB mails by one call."""
        self.publish_many(count, message=TEXT)

    def empty_tasks(self, worker: Worker, count: int) -> Emptied:
        """What it takes a worker to run so many empty tasks."""
        return emptied(lambda: self.send_empty(count), self.empty_left, worker)

    def mails(self, worker: Worker, count: int, *, together: bool) -> Emptied:
        """What it takes a worker to deliver so many mails; fails where one was not delivered."""
        before = self.delivered()
        publish = self.publish_together if together else self.publish_singly
        took = emptied(lambda: publish(count), self.open_count, worker)
        assert self.delivered() - before == count, self.queries.counts()
        return took

    def delivered(self) -> int:
        return self.queries.counts().get("delivered", 0)


@contextlib.contextmanager
def stand(run: Run) -> Iterator[Stand]:
    """An installation with empty data, on the server that the run names."""
    folder = run.folder / f"stand-{time.monotonic_ns()}"
    (folder / "redis").mkdir(parents=True)
    with running_redis(run.server, folder / "redis", *REDIS_OPTIONS) as url:
        generate(folder / "keys.json")
        made = Stand(url, folder)
        try:
            yield made
        finally:
            made.close()
