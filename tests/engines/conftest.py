"""The engines that an installation may run on, each a real one; every test of this folder runs on all."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from settings_store.sentinel import is_sentinel, parse
from tasks.broker import address
from tests.rigs.faketime_redis import faketime_redis
from tests.rigs.foreign_app import send_tasks
from tests.rigs.installation import Installation, Server
from tests.rigs.processes import require_program
from tests.rigs.rabbitmq import RabbitMQ
from tests.rigs.sentinel import running_sentinels


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
        found = self.installation.environment
        settings = dict(self.settings)
        if is_sentinel(found.redis_url):
            named = parse(found.redis_url)
            told = {"master_name": named.service, "sentinel_kwargs": {"password": named.sentinel_password}}
            settings.update(broker_transport_options=told, result_backend_transport_options=told)
        (outcome,) = send_tasks(
            address(found.broker_url),
            [call],
            folder=self.folder,
            backend=address(found.redis_url),
            settings=settings,
        )
        return outcome


Opens = Callable[[Path], contextlib.AbstractContextManager[Engine]]


@pytest.fixture(scope="module", params=["valkey", "redis7", "rabbitmq", "sentinel"])
def opens(request: pytest.FixtureRequest) -> Opens:
    """Opens an installation on the engine of this round, with its data in a folder."""
    kind = request.param
    program = require_program("redis-server") if kind == "redis7" else ""
    node: RabbitMQ | None = request.getfixturevalue("rabbitmq") if kind == "rabbitmq" else None

    @contextlib.contextmanager
    def opened(folder: Path) -> Iterator[Engine]:
        more = {"NOTIFY_BROKER_URL": node.take_host()} if node else {}
        settings = {"task_create_missing_queue_type": "quorum"} if node else {}
        started: contextlib.AbstractContextManager[Server] = (
            running_sentinels(folder / "sentinels")
            if kind == "sentinel"
            else faketime_redis(folder / "redis", program=program)
        )
        with started as server:
            installation = Installation(server, folder, **more)
            try:
                yield Engine(installation, folder, settings)
            finally:
                installation.runtime.close()

    return opened
