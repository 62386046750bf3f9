"""The bench of this room, on every Redis we support."""

from __future__ import annotations

import pytest
import redis

from tests.rigs.limits_bench import Bench


@pytest.fixture
def bench(any_redis: redis.Redis) -> Bench:
    return Bench(any_redis)
