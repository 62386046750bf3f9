"""Bells on a real broker: what goes over the wire, how deep queues are, a broker that goes and comes."""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kombu.exceptions
import pytest
import redis
from celery import Celery

from tasks import broker
from tasks.bells import Bells, messages_for
from tests.rigs.faketime_redis import FaketimeRedis, faketime_redis
from tests.rigs.installation import Site
from tests.rigs.processes import free_port, wait_until

ID = "3b241101-e2bb-4255-8caf-4136c566a962"


@pytest.fixture
def bells(redis_server: redis.Redis, valkey_url: str) -> Iterator[Bells]:  # noqa: ARG001  # it is emptied
    opened = Bells(valkey_url)
    yield opened
    opened.close()


@pytest.fixture
def restartable(tmp_path: Path) -> Iterator[FaketimeRedis]:
    with faketime_redis(tmp_path / "broker") as server:
        yield server


def message(client: redis.Redis, queue: str) -> dict[str, Any]:
    """The oldest message of a queue, taken off, with its body laid open."""
    raw: dict[str, Any] = json.loads(str(client.rpop(queue)))
    raw["body"] = json.loads(base64.b64decode(raw["body"]))
    return raw


def test_a_bell_is_what_celery_itself_would_put_on_the_wire(
    bells: Bells, redis_server: redis.Redis, valkey_url: str
) -> None:
    with Celery("sender", broker=valkey_url, set_as_current=False) as sender:
        sender.send_task(
            broker.DELIVER_TASK, args=(ID,), task_id=ID, retries=2, queue="notify.high", ignore_result=True
        )
    bells.ring([(ID, "high", 2)])
    theirs, ours = message(redis_server, "notify.high"), message(redis_server, "notify.high")
    # Who sent it, where answers would go, and a number of the transport's own.
    for own in (theirs["headers"].pop("origin"), theirs["properties"].pop("reply_to")):
        assert own
    assert ours["headers"].pop("origin") == "notify"
    assert theirs["properties"].pop("delivery_tag") != ours["properties"].pop("delivery_tag")
    assert ours == theirs


@pytest.mark.parametrize("prefix", ["notify", "second"])
def test_a_bell_that_the_ledger_writes_is_the_same(
    redis_server: redis.Redis, valkey_url: str, prefix: str
) -> None:
    bells = Bells(valkey_url, prefix=prefix)
    for odd_id in (ID, 'straße " 5'):
        ((key, written, ids),) = bells.written([odd_id], "low")
        assert ids == (odd_id,)
        bells.ring([(odd_id, "low", 0)])
        assert redis_server.llen(key) == 1, "it is the key that the broker's client uses"
        redis_server.lpush(key, written)
        theirs, ours = message(redis_server, key), message(redis_server, key)
        assert theirs["properties"].pop("delivery_tag") != ours["properties"].pop("delivery_tag")
        assert ours == theirs
    bells.close()


def test_a_bell_carries_an_id_and_nothing_else(bells: Bells, redis_server: redis.Redis) -> None:
    bells.ring([(ID, "normal", 0)])
    assert message(redis_server, "notify.normal")["body"][:2] == [[ID], {}]


def ids_in(client: redis.Redis, queue: str) -> list[list[str]]:
    """The ids of each message that waits, oldest first."""
    bodies = [message(client, queue)["body"] for _ in range(client.llen(queue))]
    return [[ids] if isinstance(ids, str) else ids for (ids,), _, _ in bodies]


def test_many_first_passes_share_messages(bells: Bells, redis_server: redis.Redis) -> None:
    ids = [f"n{number}" for number in range(2_000)]
    assert bells.ring_together(ids, "low") == 2_000
    assert bells.depth("low") == messages_for(2_000, "low") == 20
    messages = ids_in(redis_server, "notify.low")
    assert {len(each) for each in messages} == {broker.BATCH_IDS}
    assert [each for some in messages for each in some] == ids


@pytest.mark.parametrize("count, among", [(10, 10), (40, 40), (100, 1_000)])
def test_the_ledger_writes_for_many_what_would_be_rung(
    bells: Bells, redis_server: redis.Redis, count: int, among: int
) -> None:
    ids = [f"n{number}" for number in range(count)]
    written = bells.written(ids, "low", among=among)
    bells.ring_together(ids, "low", among=among)
    assert len(written) == redis_server.llen("notify.low")
    for key, text, _ in written:
        redis_server.lpush(f"{key}.ours", text)
    for _, _, told in written:
        theirs, ours = message(redis_server, "notify.low"), message(redis_server, "notify.low.ours")
        for each in (theirs, ours):
            each["properties"].pop("delivery_tag")
            if count > 10:
                for own in ("id", "root_id"):
                    assert each["headers"].pop(own)
                each["properties"].pop("correlation_id")
        assert ours == theirs
        assert ours["body"][0] in ([list(told)], list(told))


@pytest.mark.parametrize(
    "count, lane, messages",
    [(1, "high", 1), (31, "normal", 31), (32, "normal", 16), (100, "normal", 17), (900, "files", 900)],
)
def test_few_are_spread_over_slots_and_files_come_by_themselves(
    bells: Bells, redis_server: redis.Redis, count: int, lane: str, messages: int
) -> None:
    assert bells.ring_together([f"n{number}" for number in range(count)], lane) == count
    assert redis_server.llen(f"notify.{lane}") == messages == messages_for(count, lane)


@pytest.mark.parametrize("waiting, messages", [(0, 16), (broker.SLOTS_TO_FILL, 1)])
def test_what_a_batch_leaves_is_spread_over_slots_unless_these_have_work(
    tmp_path: Path, redis_server: redis.Redis, valkey_url: str, waiting: int, messages: int
) -> None:
    with contextlib.closing(Site(valkey_url, tmp_path).runtime) as runtime:
        runtime.bells.ring((f"before{number}", "normal", 0) for number in range(waiting))
        runtime.ring_together([f"n{number}" for number in range(48)], "normal")
    assert redis_server.llen("notify.normal") == waiting + messages


def test_a_message_for_many_is_what_celery_itself_would_put_on_the_wire(
    bells: Bells, redis_server: redis.Redis, valkey_url: str
) -> None:
    ids = [f"n{number}" for number in range(32)]
    with Celery("sender", broker=valkey_url, set_as_current=False) as sender:
        sender.send_task(broker.DELIVER_MANY_TASK, args=(ids[:2],), queue="notify.high", ignore_result=True)
    bells.ring_together(ids, "high")
    theirs, ours = message(redis_server, "notify.high"), message(redis_server, "notify.high")
    for each in (theirs, ours):
        # Of the sender, of the transport, and of the task alone; the arguments show nowhere.
        for own in ("origin", "argsrepr", "id", "root_id"):
            assert each["headers"].pop(own)
        for own in ("reply_to", "delivery_tag", "correlation_id"):
            each["properties"].pop(own, None)
    assert ours == theirs


@pytest.mark.parametrize("lane", ["high", "normal", "files", "low"])
def test_each_lane_has_a_queue_of_its_own(bells: Bells, redis_server: redis.Redis, lane: str) -> None:
    assert bells.ring([(ID, lane, 0)]) == 1
    assert redis_server.llen(f"notify.{lane}") == 1


def test_another_prefix_rings_in_queues_of_its_own(redis_server: redis.Redis, valkey_url: str) -> None:
    elsewhere = Bells(valkey_url, prefix="second")
    elsewhere.ring([(ID, "normal", 0)])
    assert elsewhere.depth("normal") == 1
    elsewhere.close()
    assert {key for key in redis_server.keys("*") if not str(key).startswith("second:")} == set()


def test_room_is_what_is_left_under_the_limit(valkey_url: str, redis_server: redis.Redis) -> None:
    now = [0.0]
    bells = Bells(valkey_url, clock=lambda: now[0])
    assert bells.room("low") == broker.QUEUE_LIMIT
    bells.ring((str(number), "low", 0) for number in range(10))
    assert bells.room("low") == broker.QUEUE_LIMIT - 10, "it counts what it rang itself"
    redis_server.lpush("notify.low", *(["{}"] * broker.QUEUE_LIMIT))
    assert bells.room("low") == broker.QUEUE_LIMIT - 10, "the depth is known for a moment"
    now[0] += 1
    assert bells.room("low") == 0
    bells.close()


def test_a_broker_that_is_away_is_an_operational_error_and_no_other() -> None:
    bells = Bells(f"redis://127.0.0.1:{free_port()}/0")
    with pytest.raises(kombu.exceptions.OperationalError):
        bells.ring([(ID, "normal", 0)])
    with pytest.raises(kombu.exceptions.OperationalError):
        bells.depth("normal")
    bells.close()


def test_a_broker_that_went_away_after_it_was_used_is_that_error_too(restartable: FaketimeRedis) -> None:
    bells = Bells(restartable.url)
    bells.ring([(ID, "normal", 0)])
    bells.depth("normal")
    restartable.stop()
    with pytest.raises(kombu.exceptions.OperationalError):
        bells.depth("high")
    with pytest.raises(kombu.exceptions.OperationalError):
        bells.ring([(ID, "normal", 0)])
    bells.close()


def test_a_broker_that_is_full_takes_bells_all_the_same(restartable: FaketimeRedis) -> None:
    bells = Bells(restartable.url)
    with redis.Redis.from_url(restartable.url) as client:
        client.config_set("maxmemory", "1mb")
        with pytest.raises(redis.exceptions.OutOfMemoryError):
            client.set("anything", "else")
    bells.ring((str(number), "normal", 0) for number in range(1_000))
    assert bells.depth("normal") == 1_000
    bells.close()


def test_a_pool_in_which_nothing_is_free_is_that_error_too(
    redis_server: redis.Redis, valkey_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert redis_server.ping()
    monkeypatch.setattr("tasks.bells._CONNECTIONS_MAXIMUM", 1)
    monkeypatch.setattr("tasks.bells._WAIT_FOR_CONNECTION_SECONDS", 0.01)
    bells = Bells(valkey_url)

    def ask_in_between() -> Iterator[tuple[str, str, int]]:
        with pytest.raises(kombu.exceptions.OperationalError):
            bells.depth("normal")
        yield (ID, "normal", 0)

    assert bells.ring(ask_in_between()) == 1
    bells.close()


def test_a_broker_that_restarted_is_asked_again_without_an_error(restartable: FaketimeRedis) -> None:
    bells = Bells(restartable.url)
    bells.ring([(ID, "normal", 0)])
    bells.depth("normal")
    restartable.stop()
    restartable.start()
    assert bells.depth("high") == 0
    assert bells.ring([(ID, "normal", 0)]) == 1
    bells.close()


def test_closing_closes_what_it_opened_and_nothing_of_others(restartable: FaketimeRedis) -> None:
    one, other = Bells(restartable.url), Bells(restartable.url)
    for bells in (one, other):
        bells.ring([(ID, "normal", 0)])
        bells.depth("normal")
    with redis.Redis.from_url(restartable.url) as client:

        def connected() -> int:
            return len(client.client_list())

        both = connected()
        one.close()
        # The server may see the end of a connection a moment later.
        wait_until(lambda: connected() < both, what="the connections of one being closed")
        left = connected()
        assert other.depth("high") == 0
        assert left > 1
        other.close()
        wait_until(lambda: connected() == 1, what="the others being closed")
