"""The engines that an installation may run on, each a real one; every test of this folder runs on all."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.rigs.faketime_redis import faketime_redis
from tests.rigs.foreign_app import send_tasks
from tests.rigs.installation import Installation
from tests.rigs.processes import require_program
from tests.rigs.rabbitmq import RabbitMQ


@dataclass
class Engine:
    """An installation on one engine.

    Attributes:
        installation: With an empty ledger.
        settings: What somebody else's Celery app needs there besides the address.
    """

    installation: Installation
    folder: Path
    settings: dict[str, Any] = field(default_factory=dict)

    def submit(self, **call: object) -> dict[str, object]:
        """Send one submission from somebody else's app; its outcome."""
        environment = self.installation.environment
        (outcome,) = send_tasks(
            environment.broker_url,
            [call],
            folder=self.folder,
            backend=environment.redis_url,
            settings=self.settings,
        )
        return outcome


Opens = Callable[[Path], contextlib.AbstractContextManager[Engine]]


@pytest.fixture(scope="module", params=["valkey", "redis7", "rabbitmq"])
def opens(request: pytest.FixtureRequest) -> Opens:
    """Opens an installation on the engine of this round, with its data in a folder."""
    kind = request.param
    program = require_program("redis-server") if kind == "redis7" else ""
    node: RabbitMQ | None = request.getfixturevalue("rabbitmq") if kind == "rabbitmq" else None

    @contextlib.contextmanager
    def opened(folder: Path) -> Iterator[Engine]:
        more = {"NOTIFY_BROKER_URL": node.take_host()} if node else {}
        settings = {"task_create_missing_queue_type": "quorum"} if node else {}
        with faketime_redis(folder / "redis", program=program) as server:
            installation = Installation(server, folder, **more)
            try:
                yield Engine(installation, folder, settings)
            finally:
                installation.runtime.close()

    return opened
