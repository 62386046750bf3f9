"""At the `maxmemory` of Redis what was accepted is finished: bells ring, workers start and are known."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import kombu
import pytest
import redis

from tasks import broker, redis_transport
from tasks.bells import Bells
from tasks.breaker import Breaker
from tasks.fleet import Fleet, WorkerLife
from tasks.notices.incident import Incident
from tasks.notices.outbox import Outbox, Progress

only_where_needed = pytest.mark.skipif(
    kombu.__version__ not in redis_transport.MENDED_VERSIONS, reason="this kombu is not mended"
)
PREFIXES = ("notify", "another")


@pytest.fixture
def full(any_redis: redis.Redis) -> Iterator[redis.Redis]:
    """A server of each kind that takes nothing more; what a test wrote before it filled it is there."""
    yield any_redis
    any_redis.config_set("maxmemory", 0)


def fill(client: redis.Redis) -> None:
    client.config_set("maxmemory", 1)
    with pytest.raises(redis.exceptions.OutOfMemoryError):
        client.set("anything", "1")


def url_of(client: redis.Redis) -> str:
    where = client.connection_pool.connection_kwargs
    return f"redis://{where['host']}:{where['port']}/0"


def take_one(url: str, prefix: str, transport: str | None = None) -> Any:
    """Take a message off `notify.normal` as a worker does; it is left unacknowledged."""
    connection = broker.connection(url, prefix)
    if transport:
        connection = kombu.Connection(
            url, transport=transport, transport_options=broker.transport_options(prefix)
        )
    channel = connection.default_channel
    message = channel.basic_get("notify.normal")
    assert message is not None
    return channel, message


@only_where_needed
@pytest.mark.parametrize("prefix", PREFIXES)
def test_a_message_that_is_taken_off_its_list_is_noted_as_unacknowledged(
    full: redis.Redis, prefix: str
) -> None:
    keys = "" if prefix == "notify" else f"{prefix}:"
    bells = Bells(url_of(full), prefix=prefix)
    bells.ring([("one", "normal", 0)])
    fill(full)
    channel, message = take_one(url_of(full), prefix)
    assert full.hlen(f"{keys}{prefix}.unacked") == 1
    # It goes back in one step where its worker cannot do it now.
    message.requeue()
    assert (full.hlen(f"{keys}{prefix}.unacked"), full.llen(f"{keys}notify.normal")) == (0, 1)
    channel.connection.client.close()
    bells.close()


@only_where_needed
def test_stock_kombu_loses_it(full: redis.Redis) -> None:
    bells = Bells(url_of(full))
    bells.ring([("one", "normal", 0)])
    fill(full)
    with pytest.raises(redis.exceptions.OutOfMemoryError):
        take_one(url_of(full), "notify", "kombu.transport.redis:Transport")
    assert (full.llen("notify.normal"), full.hlen("notify.unacked")) == (0, 0)
    bells.close()


@only_where_needed
@pytest.mark.parametrize("prefix", PREFIXES)
def test_bells_ring(full: redis.Redis, prefix: str) -> None:
    fill(full)
    bells = Bells(url_of(full), prefix=prefix)
    assert bells.ring([("one", "normal", 0), ("two", "normal", 0)]) == 2
    assert full.llen("notify.normal" if prefix == "notify" else f"{prefix}:notify.normal") == 2
    bells.close()


def test_a_worker_that_lives_is_known_to(full: redis.Redis) -> None:
    fill(full)
    fleet = Fleet(full)
    fleet.beat("w@h", WorkerLife(busy=3), at_ms=1_000)
    assert [(member.name, member.life and member.life.busy) for member in fleet.members()] == [("w@h", 3)]


def test_servers_are_judged(full: redis.Redis) -> None:
    fill(full)
    Breaker(full).pause("fingerprint", name="primary_email", by="me", reason="why", seconds=60)
    assert Breaker(full).allows(["fingerprint"])["fingerprint"].state == "paused"


def test_the_operator_is_told(full: redis.Redis) -> None:
    fill(full)
    outbox = Outbox(full)
    assert outbox.lock("mine")
    assert not outbox.lock("yours")
    incident = Incident(id="i", event="undelivered", at_ms=1, facts={})
    stands, raw = outbox.announced()
    assert outbox.announce(raw, stands, [incident])
    assert outbox.waiting() == [incident]
    outbox.keep(incident, Progress(tries=2))
    assert outbox.progress(incident).tries == 2
