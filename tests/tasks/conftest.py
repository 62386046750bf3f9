"""A publisher for each test that asks for one, and a Redis of its own."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tasks.strands import Strands
from tests.rigs.asking_strands import Desk
from tests.rigs.faketime_redis import FaketimeRedis, faketime_redis
from tests.rigs.publisher_door import Door, door_to
from tests.rigs.severable import Severable, severable


@pytest.fixture
def door(redis_server: redis.Redis, valkey_url: str) -> Iterator[Door]:
    assert redis_server.dbsize() == 0
    with door_to(valkey_url) as opened:
        yield opened


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[FaketimeRedis]:
    """A server that a test may stop or fill."""
    with faketime_redis(tmp_path / "redis") as server:
        yield server


@pytest.fixture
def together() -> Iterator[Strands]:
    made = Strands()
    yield made
    made.close()


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two sockets that are connected; the first waits for nothing."""
    with contextlib.ExitStack() as ends:
        near, far = (ends.enter_context(each) for each in socket.socketpair())
        near.settimeout(0)
        yield near, far


@pytest.fixture
def desk(redis_server: redis.Redis, valkey_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    redis_server.ping()
    made = Desk(valkey_url, monkeypatch)
    made.ask("before")
    made.writes.clear()
    yield made
    made.close()


@pytest.fixture
def way(valkey_url: str) -> Iterator[Severable]:
    with severable(valkey_url) as made:
        yield made


@pytest.fixture
def far_desk(way: Severable, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """Its way to Redis can be cut."""
    made = Desk(f"redis://127.0.0.1:{way.port}/0", monkeypatch)
    assert made.ask("before") == [["before", 1]]
    yield made
    made.close()
