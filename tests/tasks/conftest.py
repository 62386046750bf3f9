"""A publisher for each test that asks for one, and a Redis of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

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
