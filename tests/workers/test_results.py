"""Answers for whoever asked: kept where that can be, and no worker's trouble where it cannot."""

from __future__ import annotations

import pytest
import redis
from celery import Celery

from workers.results import BestEffortResults, backend_url


@pytest.fixture
def backend(redis_server: redis.Redis) -> BestEffortResults:
    where = redis_server.connection_pool.connection_kwargs
    url = f"redis://{where['host']}:{where['port']}/0"
    made = Celery("notify", backend=backend_url(url), set_as_current=False).backend
    assert type(made) is BestEffortResults
    return made


def test_an_answer_is_kept(backend: BestEffortResults) -> None:
    backend.store_result("one", {"id": "one", "number": 1}, "SUCCESS")
    assert backend.get_result("one") == {"id": "one", "number": 1}


def test_an_answer_that_redis_does_not_take_is_told_in_the_log_and_nothing_else_happens(
    backend: BestEffortResults, redis_server: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    redis_server.config_set("maxmemory", 1)
    try:
        backend.store_result("one", {"id": "one", "number": 1}, "SUCCESS")
    finally:
        redis_server.config_set("maxmemory", 0)
    assert caplog.messages == ["answer_not_kept task=one error=OutOfMemoryError"]
    assert backend.get_state("one") == "PENDING"


def test_a_redis_that_celery_has_no_backend_for_keeps_no_answers() -> None:
    assert backend_url("unix:///run/redis.sock") is None
