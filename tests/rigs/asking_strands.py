"""Strands that ask of a real Redis, and a count of what goes to it together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import redis
from redis.commands.core import Script

from settings_store.redis_client import connect
from tasks.round_trip import RoundTrips
from tasks.strands import Strands

ECHO = "return {ARGV[1], #ARGV}"
FAIL = "return redis.error_reply('WRONG on purpose')"
#: How long a silent Redis is waited for.
PATIENCE_SECONDS = 0.2

Outcome = object
NAMES = tuple(f"n{number}" for number in range(8))
GOOD = [[name, 1] for name in NAMES]


class Desk:
    """Strands that ask by one client.

    Attributes:
        writes: What went to the server, a write at a time: how many scripts were in it.
    """

    def __init__(self, url: str, monkeypatch: pytest.MonkeyPatch, *, retries: int = 1) -> None:
        self.client = connect(url, retries=retries)
        self.client.connection_pool.connection_kwargs["socket_timeout"] = PATIENCE_SECONDS
        self.now = 0.0
        self.trips = RoundTrips(self.client, clock=lambda: self.now)
        self.together = Strands()
        self.echo, self.fail = map(self.client.register_script, (ECHO, FAIL))
        self.writes: list[int] = []
        send = redis.Connection.send_packed_command

        def count(connection: redis.Connection, command: Any, *rest: Any, **more: Any) -> None:
            parts = b"".join(command if isinstance(command, list) else [command])
            if scripts := parts.count(b"EVALSHA"):
                self.writes.append(scripts)
            send(connection, command, *rest, **more)  # type: ignore[no-untyped-call]

        monkeypatch.setattr(redis.Connection, "send_packed_command", count)

    def ask(self, *names: str, script: Script | None = None) -> list[Outcome]:
        """What becomes of each strand that asks, by name, in their order."""
        outcomes: dict[str, Outcome] = {}

        def asks(name: str) -> Callable[[], None]:
            def call() -> None:
                try:
                    outcomes[name] = self.trips.run_one(script or self.echo, (name,))
                except BaseException as error:  # noqa: BLE001
                    outcomes[name] = type(error)

            return call

        self.together.run([asks(name) for name in names])
        return [outcomes[name] for name in names]

    def close(self) -> None:
        self.together.close()
        self.client.close()
