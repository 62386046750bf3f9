"""A publisher for each test that asks for one, and a Redis of its own."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tasks.strands import Strands
from tests.rigs.faketime_redis import FaketimeRedis, faketime_redis
from tests.rigs.publisher_door import Door, door_to


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
