"""kombu's defects and their mend, one by one; what it is good for under load is in tests/workers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kombu
import kombu.transport
import pytest
import redis

from tasks import queue_order, redis_transport
from tests.rigs.faketime_redis import FaketimeRedis, faketime_redis

STOCK = "kombu.transport.redis:Transport"
MENDED = "tasks.redis_transport:Transport"

only_where_needed = pytest.mark.skipif(
    kombu.__version__ not in redis_transport.MENDED_VERSIONS, reason="this kombu is not mended"
)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[FaketimeRedis]:
    with faketime_redis(tmp_path / "redis") as running:
        yield running


@pytest.fixture
def untouched_kombu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names and classes of transports as kombu has them when it is imported, for this test alone."""
    cache: dict[str, Any] = {}
    aliases = {
        "redis": STOCK,
        "rediss": STOCK,
        "sentinel": "kombu.transport.redis:SentinelTransport",
        "memory": "kombu.transport.memory:Transport",
    }
    for module in (kombu.transport, redis_transport):
        monkeypatch.setattr(module, "TRANSPORT_ALIASES", aliases)
        monkeypatch.setattr(module, "_transport_cache", cache)


def credit_after_a_failed_ack(server: FaketimeRedis, transport: str) -> bool:
    """Whether a consumer may fetch again after it could not acknowledge its only message."""
    with kombu.Connection(server.url, transport=transport) as connection:
        channel = connection.default_channel
        channel.qos.prefetch_count = 1
        with connection.SimpleQueue("work") as queue:
            queue.put("a task")
            message: Any = channel.basic_get("work")
        assert not channel.qos.can_consume()
        server.stop()
        with pytest.raises(redis.ConnectionError):
            message.ack()
        free: bool = channel.qos.can_consume()
        # What is left unacknowledged is put back on closing, which needs the server.
        server.start()
    return free


@only_where_needed
def test_no_message_is_taken_while_the_worker_has_enough(server: FaketimeRedis) -> None:
    enough = [True]
    queue_order.take_none_while(lambda: bool(enough))
    try:
        with kombu.Connection(server.url, transport=MENDED) as connection:
            channel: Any = connection.default_channel
            assert not channel.qos.can_consume()
            enough.clear()
            assert channel.qos.can_consume()
    finally:
        queue_order.take_none_while(bool)


@only_where_needed
def test_what_is_marked_so_is_taken_before_all_that_wait(server: FaketimeRedis) -> None:
    with (
        kombu.Connection(server.url, transport=MENDED) as connection,
        connection.SimpleQueue("work") as queue,
    ):
        queue.put("waits")
        queue.put("comes late", headers={redis_transport.FIRST: True})
        assert [queue.get_nowait().payload for _ in range(2)] == ["comes late", "waits"]


@only_where_needed
def test_what_is_said_to_all_is_heard_by_a_worker_that_has_enough(server: FaketimeRedis) -> None:
    queue_order.take_none_while(lambda: True)
    try:
        with kombu.Connection(server.url, transport=MENDED) as connection:
            channel: Any = connection.default_channel
            exchange = kombu.Exchange("commands", type="fanout")
            kombu.Consumer(channel, kombu.Queue("of this worker", exchange), no_ack=True).consume()
            assert channel.qos.can_consume()
    finally:
        queue_order.take_none_while(bool)


@only_where_needed
def test_stock_kombu_keeps_the_credit_of_a_message_that_it_could_not_acknowledge(
    server: FaketimeRedis,
) -> None:
    assert not credit_after_a_failed_ack(server, STOCK)


@only_where_needed
def test_mended_the_credit_is_free_again(server: FaketimeRedis) -> None:
    assert credit_after_a_failed_ack(server, MENDED)


def error_of_a_channel_without_its_connection(server: FaketimeRedis, transport: str) -> BaseException:
    """What a channel raises that needs a new pool while its connection is gone already."""
    with kombu.Connection(server.url, transport=transport) as connection:
        channel = connection.channel()
        kept, channel.connection.client = channel.connection.client, None
        with pytest.raises(Exception) as caught:  # noqa: PT011  # which one it is, is the question
            _ = channel.pool
        channel.connection.client = kept
        assert isinstance(caught.value, connection.recoverable_connection_errors) == (transport == MENDED)
    return caught.value


@only_where_needed
def test_stock_kombu_raises_what_no_consumer_recovers_from_while_it_closes(server: FaketimeRedis) -> None:
    assert isinstance(error_of_a_channel_without_its_connection(server, STOCK), AttributeError)


@only_where_needed
def test_mended_it_is_a_lost_connection(server: FaketimeRedis) -> None:
    assert isinstance(error_of_a_channel_without_its_connection(server, MENDED), redis.ConnectionError)


@only_where_needed
def test_a_channel_keeps_one_client_as_long_as_its_pool(server: FaketimeRedis) -> None:
    with kombu.Connection(server.url, transport=MENDED) as connection:
        channel = connection.default_channel
        with channel.conn_or_acquire() as first, channel.conn_or_acquire() as second:
            assert first is second
        with channel.conn_or_acquire(first) as given:
            assert given is first
        channel._disconnect_pools()
        with channel.conn_or_acquire() as later:
            assert later is not first
            assert later.ping()


@pytest.mark.usefixtures("untouched_kombu")
@pytest.mark.parametrize("version", sorted(redis_transport.MENDED_VERSIONS))
def test_it_is_installed_for_the_versions_that_need_it(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    monkeypatch.setattr(kombu, "__version__", version)
    assert redis_transport.install()
    assert kombu.transport.get_transport_cls("redis") is redis_transport.Transport
    assert kombu.transport.get_transport_cls("rediss") is redis_transport.Transport
    assert kombu.transport.get_transport_cls("sentinel") is redis_transport.SentinelTransport
    assert kombu.transport.get_transport_cls("memory").__module__ == "kombu.transport.memory"


@pytest.mark.usefixtures("untouched_kombu")
def test_it_is_installed_even_where_kombu_s_own_was_in_use_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kombu, "__version__", "5.7.0")
    assert kombu.transport.get_transport_cls("redis").__module__ == "kombu.transport.redis"
    assert redis_transport.install()
    assert kombu.transport.get_transport_cls("redis") is redis_transport.Transport


@pytest.mark.usefixtures("untouched_kombu")
@pytest.mark.parametrize("version", ["5.6.2", "5.7.1", "5.8.0", "6.0.0"])
def test_every_other_version_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    monkeypatch.setattr(kombu, "__version__", version)
    assert not redis_transport.install()
    for name in ("redis", "rediss", "sentinel"):
        assert kombu.transport.get_transport_cls(name).__module__ == "kombu.transport.redis"
