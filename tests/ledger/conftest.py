from __future__ import annotations

import pytest
import redis

from tests.rigs.ledger_bench import Bench


@pytest.fixture
def bench(any_redis: redis.Redis) -> Bench:
    return Bench(any_redis)
