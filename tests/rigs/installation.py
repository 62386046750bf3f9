"""An installation for tests: a Redis whose time moves, its options, ledger publisher and real workers."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from settings_store import environment
from tasks.ledger import FINAL_STATES, LedgerQueries, State
from tasks.ledger.queries import Record
from tasks.publisher import Published, Publisher
from tasks.runtime import Runtime
from tests.rigs.embedded import clean_environment
from tests.rigs.faketime_redis import faketime_redis
from tests.rigs.mailbox import Mailbox
from tests.rigs.notifications import email
from tests.rigs.processes import wait_until
from tests.rigs.worker import Worker, running_worker

#: Strings that stand for what must show nowhere: an address, a subject, a text.
ADDRESS = "secret.recipient@private.example"
SUBJECT = "Secret subject of the nightly job"
TEXT = "Secret text about the payroll"


class Site:
    """Everything it takes to publish, look and start workers, on any Redis."""

    def __init__(self, url: str, folder: Path, **more: str) -> None:
        self.folder = folder
        self.environ = clean_environment(folder / "home", **{"NOTIFY_REDIS_URL": url, **more})
        self.environment = environment.load(self.environ)
        self.runtime = Runtime(self.environment, worker="test")

    @property
    def queries(self) -> LedgerQueries:
        return self.runtime.queries

    @property
    def publisher(self) -> Publisher:
        return self.runtime.publisher

    def configure(self, *, primary: Mailbox | int | None, secondary: Mailbox | int | None = None) -> None:
        """Set the e-mail servers; None leaves a name blank."""
        values: dict[str, object] = {}
        for name, target in (("primary_email", primary), ("secondary_email", secondary)):
            port = target.port if isinstance(target, Mailbox) else target
            values[f"{name}.server_name"] = "" if port is None else "127.0.0.1"
            if port is not None:
                values[f"{name}.server_port"] = port
        self.runtime.store.change(values, author="test")

    def publish(self, **fields: object) -> Published:
        return self.publisher.publish(email(**fields))

    def publish_many(self, count: int, **fields: object) -> list[str]:
        """Publish so many, each with a subject of its own; their ids."""
        ids = []
        for answer in self.publisher.publish_many([email(subject=str(i), **fields) for i in range(count)]):
            assert isinstance(answer, Published), answer
            ids.append(answer.id)
        return ids

    def record(self, notification_id: str) -> Record:
        record = self.queries.get(notification_id)
        assert record is not None, f"the ledger has no {notification_id}"
        return record

    def wait_state(self, notification_id: str, *states: State, seconds: float = 60.0) -> Record:
        """Wait until a notification is in one of these states; its record then."""

        def is_there() -> bool:
            record = self.queries.get(notification_id)
            return record is not None and record.state in states

        wait_until(is_there, seconds=seconds, what=f"{notification_id} being {' or '.join(states)}")
        return self.record(notification_id)

    def open_count(self, *but: State) -> int:
        """How many are in no final state, those in the states named not counted."""
        ignored = FINAL_STATES | set(but)
        return sum(count for state, count in self.queries.counts().items() if state not in ignored)

    def final_count(self) -> int:
        return sum(count for state, count in self.queries.counts().items() if state in FINAL_STATES)

    @contextlib.contextmanager
    def worker(self, *options: str, prelude: str = "", wait: bool = True, **more: str) -> Iterator[Worker]:
        """A running worker of this installation; keywords are variables of its environment."""
        environ = {**self.environ, **more}
        log = self.folder / "worker.log"
        with running_worker(environ, log, *options, prelude=prelude, wait=wait) as worker:
            yield worker


class Server(Protocol):
    """A Redis whose time moves, or what stands for it."""

    url: str

    def advance(self, seconds: float) -> None:
        """Let its time pass."""

    def start(self) -> None:
        """Start it."""

    def stop(self) -> None:
        """Kill it."""


class Installation(Site):
    """A site whose Redis has a time that moves."""

    def __init__(self, server: Server, folder: Path, **more: str) -> None:
        super().__init__(server.url, folder, **more)
        self.server = server


@contextlib.contextmanager
def running_installation(folder: Path, *options: str, **more: str) -> Iterator[Installation]:
    """An installation with empty data; options are its server's, keywords variables of its environment."""
    with faketime_redis(folder / "redis", *options) as server:
        installation = Installation(server, folder, **more)
        try:
            yield installation
        finally:
            installation.runtime.close()
