"""Publishing while the broker, the ledger or both are away, silent or full."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import redis

from settings_store.environment import Environment
from settings_store.redis_client import connect
from tasks import broker
from tasks.bells import Bells
from tasks.ledger import LedgerUnavailable
from tasks.portion import ACCEPT_AT_ONCE
from tasks.publisher import (
    Published,
    Publisher,
)
from tests.rigs.faketime_redis import FaketimeRedis
from tests.rigs.notifications import email
from tests.rigs.processes import free_port, wait_until
from tests.rigs.publisher_door import Door, door_to


def test_where_redis_goes_away_in_the_middle_of_many_the_caller_hears_so(own_server: FaketimeRedis) -> None:
    def documents() -> Iterator[Mapping[str, object]]:
        for number in range(450):
            if number == ACCEPT_AT_ONCE + 1:
                own_server.stop()
            yield email(id=f"n{number}")

    class Lazily(list[Mapping[str, object]]):
        def __init__(self) -> None:
            super().__init__([{}] * 450)
            self.made = documents()

        def __getitem__(self, _place: object) -> Any:
            return next(self.made)

    with door_to(own_server.url) as door:
        door.publisher.publish(email())
        with pytest.raises(redis.RedisError):
            door.publisher.publish_many(Lazily())


def test_without_a_broker_it_is_accepted_all_the_same_and_due_at_once(own_server: FaketimeRedis) -> None:
    with door_to(own_server.url, broker_url=f"redis://127.0.0.1:{free_port()}/0") as door:
        published = door.publisher.publish(email())
        assert published.state == "queued"
        assert door.due()[published.id] <= door.now_ms()


def test_a_broker_that_does_not_answer_is_not_waited_for_anew_at_once(
    own_server: FaketimeRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, asked = [0.0], 0
    ask = Bells.room

    def room(bells: Bells, lane: str) -> int:
        nonlocal asked
        asked += 1
        now[0] += 30
        return ask(bells, lane)

    monkeypatch.setattr(Bells, "room", room)
    with door_to(own_server.url, broker_url=f"redis://127.0.0.1:{free_port()}/0") as door:
        monkeypatch.setattr(door.publisher._recorder.doorbell, "_clock", lambda: now[0])
        published = [door.publisher.publish(email()) for _ in range(3)]
        assert asked == 1
        assert set(door.due()) == {each.id for each in published}
        now[0] += 29
        door.publisher.publish(email())
        assert asked == 1, "as long as the wait was"
        now[0] += 1
        door.publisher.publish(email())
        assert asked == 2


def test_broker_and_ledger_are_waited_for_at_the_same_time(
    own_server: FaketimeRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = Bells.room
    with door_to(own_server.url, broker_url=f"redis://127.0.0.1:{free_port()}/0") as door:

        def room(bells: Bells, lane: str) -> int:
            wait_until(lambda: len(door.due()) == 2, what="the ledger having it while the broker is asked")
            return ask(bells, lane)

        door.publisher.accept(email())  # the server knows the script from now on
        monkeypatch.setattr(Bells, "room", room)
        published = door.publisher.publish(email())
        assert door.due()[published.id] <= door.now_ms(), "the sweeper rings for it"


def test_a_broker_that_says_nothing_is_asked_once(
    valkey_url: str, own_server: FaketimeRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    options, read, silent = broker.transport_options, redis.Connection.read_response, 0

    def impatient(*arguments: Any, **named: Any) -> dict[str, Any]:
        return {**options(*arguments, **named), "socket_timeout": 0.2, "socket_connect_timeout": 0.2}

    def count(*arguments: Any, **named: Any) -> Any:
        nonlocal silent
        try:
            return read(*arguments, **named)
        except redis.TimeoutError:
            silent += 1
            raise

    monkeypatch.setattr(broker, "transport_options", impatient)
    monkeypatch.setattr(redis.Connection, "read_response", count)
    monkeypatch.setattr("tasks.bells._WAIT_FOR_CONNECTION_SECONDS", 0.2)
    monkeypatch.setattr("tasks.bells._DEPTH_KNOWN_FOR_SECONDS", 0)
    with door_to(valkey_url, broker_url=own_server.url) as door:
        door.publisher.publish(email())
        own_server.freeze()
        published = door.publisher.publish(email())
        assert silent == 1, "not as often as one that is away for a moment"
        own_server.start()
        assert door.due()[published.id] <= door.now_ms()


def test_a_broker_that_takes_nothing_does_not_undo_the_acceptance(
    door: Door, valkey_url: str, own_server: FaketimeRedis
) -> None:
    assert not door.due()
    with door_to(valkey_url, broker_url=own_server.url) as apart, connect(own_server.url) as brokers:
        first = apart.publisher.publish(email())
        brokers.config_set("maxmemory", "1mb")
        second = apart.publisher.publish(email())
        own_server.stop()
        third = apart.publisher.publish(email())
        assert set(apart.due()) == {first.id, second.id, third.id}


def test_a_ledger_that_is_nearly_full_accepts_nothing_and_says_what_to_do(own_server: FaketimeRedis) -> None:
    with door_to(own_server.url) as door:
        door.redis.config_set("maxmemory", int(door.redis.info("memory")["used_memory"]) + 1000)
        with pytest.raises(LedgerUnavailable, match=r"raise maxmemory, or lower the history days$"):
            door.publisher.publish(email())
        assert sum(door.queries.counts().values()) == 0
        assert door.bells() == 0


def test_where_redis_fills_up_in_the_middle_of_many_it_is_known_of_each_whether_it_was_accepted(
    own_server: FaketimeRedis,
) -> None:
    with door_to(own_server.url) as door:
        # Made over there: what a client's buffer holds for a moment would be counted as used.
        door.redis.setrange("ballast", 8_000_000, "x")
        door.redis.config_set("maxmemory", int(door.redis.info("memory")["used_memory"] / 0.75))
        answers = door.publisher.publish_many([email(message="x" * 4_000) for _ in range(1_000)])
        accepted = sum(isinstance(answer, Published) for answer in answers)
        assert 0 < accepted < len(answers), door.redis.info("memory")
        assert {type(answer) for answer in answers[:accepted]} == {Published}
        assert {type(answer) for answer in answers[accepted:]} == {LedgerUnavailable}
        assert sum(door.queries.counts().values()) == accepted
    with door_to(own_server.url) as door, pytest.raises(LedgerUnavailable):
        door.publisher.publish_many([email()])


def test_a_redis_that_is_away_is_an_error_within_a_bounded_time(own_server: FaketimeRedis) -> None:
    with door_to(own_server.url) as door:
        door.publisher.publish(email(id="once"))
        own_server.stop()
        with pytest.raises(redis.RedisError):
            door.publisher.publish(email(id="again"))
        own_server.start()
        assert door.publisher.publish(email(id="once")).again
        assert not door.publisher.publish(email(id="again")).again


def test_a_publisher_may_be_made_while_nothing_runs(tmp_path: Path) -> None:
    server = FaketimeRedis(tmp_path)
    publisher = Publisher.connect(Environment(redis_url=server.url, broker_url=server.url))
    server.start()
    try:
        assert publisher.publish(email()).number == 1
    finally:
        publisher.close()
        server.stop()


def test_closing_leaves_no_connection_behind(own_server: FaketimeRedis) -> None:
    publisher = Publisher.connect(Environment(redis_url=own_server.url, broker_url=own_server.url))
    publisher.publish(email())
    publisher.close()
    with connect(own_server.url) as client:
        wait_until(lambda: len(client.client_list()) == 1, what="only this connection being left")
