"""The door, on a real Redis: what is accepted, what is refused, and what happens when half of it is away."""

from __future__ import annotations

import base64
import contextlib
import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import redis

from settings_store.environment import Environment
from settings_store.redis_client import connect
from settings_store.store import SettingsStore
from tasks import broker
from tasks.bells import Bells, messages_for
from tasks.ledger import LedgerQueries, LedgerUnavailable
from tasks.notification import InvalidNotification, parse
from tasks.publisher import (
    ACCEPT_AT_ONCE,
    ACCEPT_AT_ONCE_CHARACTERS,
    ExpiredAlready,
    KeyConflict,
    Published,
    Publisher,
)
from tests.rigs.faketime_redis import FaketimeRedis, faketime_redis
from tests.rigs.notifications import email, text
from tests.rigs.processes import free_port, wait_until


@dataclass
class Door:
    """A publisher and what lies behind it."""

    publisher: Publisher
    queries: LedgerQueries
    redis: redis.Redis

    def bells(self, queue: str = "notify.normal") -> int:
        """How many ids wait, some of them in one message."""
        waiting = [json.loads(str(raw)) for raw in self.redis.lrange(queue, 0, -1)]
        bodies = [json.loads(base64.b64decode(each["body"])) for each in waiting]
        return sum(1 if isinstance(ids, str) else len(ids) for (ids,), _, _ in bodies)

    def due(self, lane: str = "normal") -> dict[str, float]:
        return self.queries.due_scores()[lane]

    def now_ms(self) -> int:
        seconds, microseconds = self.redis.time()
        return int(seconds) * 1000 + int(microseconds) // 1000


@contextlib.contextmanager
def door_to(url: str, *, broker_url: str = "") -> Iterator[Door]:
    publisher = Publisher.connect(Environment(redis_url=url, broker_url=broker_url or url))
    with connect(url) as client:
        yield Door(publisher, LedgerQueries(client), client)
    publisher.close()


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


def test_what_is_published_is_in_the_ledger_and_a_bell_is_rung(door: Door) -> None:
    published = door.publisher.publish(email())
    record = door.queries.get(published.id)
    assert record is not None
    assert uuid.UUID(published.id).version == 4
    assert (published.number, published.state, published.again) == (record.number, "queued", False)
    assert record.state == "queued"
    assert door.bells() == 1


def test_a_notification_may_come_as_json_as_mapping_or_as_itself(door: Door) -> None:
    document = '{"version": 1, "channel": "email", "to": ["a@b.example"], "message": "hi"}'
    numbers = [
        door.publisher.publish(each).number for each in (document, document.encode(), email(), parse(email()))
    ]
    assert numbers == [1, 2, 3, 4]


@pytest.mark.parametrize("priority", ["high", "normal", "low"])
def test_each_priority_rings_in_its_own_queue(door: Door, priority: str) -> None:
    door.publisher.publish(email(priority=priority))
    assert door.bells(f"notify.{priority}") == 1


def test_publishing_again_under_the_same_id_is_harmless(door: Door) -> None:
    first, second = (door.publisher.publish(email(id="mine")) for _ in range(2))
    assert (first.again, second.again) == (False, True)
    assert (first.id, first.number) == (second.id, second.number)
    assert door.bells() == 1


def test_the_same_key_answers_with_the_first_id(door: Door) -> None:
    first = door.publisher.publish(email(key="nightly/7"))
    second = door.publisher.publish(email(key="nightly/7", id="another"))
    assert (second.id, second.number, second.again) == (first.id, first.number, True)


@pytest.mark.parametrize("name", ["id", "key"])
def test_an_id_or_key_that_stands_for_other_content_is_refused(door: Door, name: str) -> None:
    first = door.publisher.publish(email(**{name: "taken"}))
    with pytest.raises(KeyConflict, match=rf"^id or key: .*; allowed: .*\(the first is {first.id}\)$"):
        door.publisher.publish(email(**{name: "taken"}, message="other"))
    assert sum(door.queries.counts().values()) == 1


def test_what_expired_before_it_came_is_refused(door: Door) -> None:
    past = (datetime.now(tz=UTC) - timedelta(minutes=1)).isoformat()
    with pytest.raises(ExpiredAlready, match=r"^expires: is past; allowed: "):
        door.publisher.publish(email(expires=past))
    assert sum(door.queries.counts().values()) == 0


@pytest.mark.parametrize("expires", ["1970-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "0001-01-01T00:00:00Z"])
def test_what_a_clock_at_nought_made_expire_is_past_and_not_without_an_end(door: Door, expires: str) -> None:
    with pytest.raises(ExpiredAlready, match=r"^expires: is past; allowed: "):
        door.publisher.publish(email(expires=expires))
    assert sum(door.queries.counts().values()) == 0


def test_what_is_not_to_be_sent_yet_waits_without_a_bell(door: Door) -> None:
    later = datetime.now(tz=UTC) + timedelta(hours=1)
    published = door.publisher.publish(email(not_before=later.isoformat()))
    assert published.state == "waiting"
    assert door.bells() == 0
    assert door.due()[published.id] == pytest.approx(later.timestamp() * 1000, abs=1)


def test_of_many_each_has_its_own_outcome_in_its_place(door: Door) -> None:
    outcomes = door.publisher.publish_many(
        [email(id="a"), email(to=["nobody"]), email(id="a", message="x"), text(), text(message="x" * 10_000)]
    )
    kinds = [type(outcome) for outcome in outcomes]
    assert kinds == [Published, InvalidNotification, KeyConflict, Published, Published]
    assert door.bells() == 3


def test_450_at_once_are_accepted_in_order(door: Door) -> None:
    outcomes = door.publisher.publish_many([email(subject=str(number)) for number in range(450)])
    assert [outcome.number for outcome in outcomes if isinstance(outcome, Published)] == list(range(1, 451))
    assert door.bells() == 450


def test_one_is_published_in_one_round_trip(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    # What is known of the queue, and of the memory, is known for long enough.
    monkeypatch.setattr("tasks.bells._DEPTH_KNOWN_FOR_SECONDS", 3_600)
    monkeypatch.setattr("tasks.ledger.ledger._MEMORY_CHECK_SECONDS", 3_600)
    door.publisher.publish(email())
    asked: list[object] = []
    send = redis.Connection.send_packed_command

    def count(self: redis.Connection, command: object, *rest: object, **more: object) -> None:
        asked.append(command)
        send(self, command, *rest, **more)  # type: ignore[no-untyped-call]

    monkeypatch.setattr(redis.Connection, "send_packed_command", count)
    published = door.publisher.publish(email())
    assert len(asked) == 1
    monkeypatch.undo()
    assert door.bells() == 2
    assert door.due()[published.id] > door.now_ms() + 20_000, "it has had its bell"


def test_many_are_recorded_and_rung_for_in_a_few_steps(door: Door) -> None:
    door.publisher.publish(email())
    door.redis.config_resetstat()
    door.publisher.publish_many([email(subject=str(number)) for number in range(450)])
    stats = door.redis.info("commandstats")
    steps = -(-450 // ACCEPT_AT_ONCE)
    assert stats["cmdstat_evalsha"]["calls"] == steps
    assert stats["cmdstat_xadd"]["calls"] == 450
    assert stats["cmdstat_zadd"]["calls"] == 4 * steps, "one for each key of the index, however many they are"
    # As many to a message as if all of them had been recorded in one step.
    portions = (ACCEPT_AT_ONCE, ACCEPT_AT_ONCE, 450 - 2 * ACCEPT_AT_ONCE)
    assert door.redis.llen("notify.normal") == 1 + sum(
        messages_for(count, "normal", among=450) for count in portions
    )
    assert door.bells() == 451


def test_many_long_ones_are_recorded_a_few_at_a_time(door: Door) -> None:
    door.publisher.publish(email())
    door.redis.config_resetstat()
    long = "x" * (ACCEPT_AT_ONCE_CHARACTERS // 2)
    outcomes = door.publisher.publish_many([email(subject=str(number), message=long) for number in range(5)])
    assert [outcome.number for outcome in outcomes if isinstance(outcome, Published)] == [2, 3, 4, 5, 6]
    assert door.redis.info("commandstats")["cmdstat_evalsha"]["calls"] == 3


def test_the_same_twice_in_one_call_is_recorded_once(door: Door) -> None:
    outcomes = door.publisher.publish_many(
        [email(id="a", key="k"), email(id="b", key="k"), email(id="a", message="other"), email(id="c")]
    )
    assert isinstance(outcomes[2], KeyConflict)
    published = [outcome for outcome in outcomes if isinstance(outcome, Published)]
    assert [(each.id, each.number, each.again) for each in published] == [
        ("a", 1, False),
        ("a", 1, True),
        ("c", 2, False),
    ]
    assert door.bells() == 2
    assert sum(door.queries.counts().values()) == 2


def test_of_many_each_lane_has_its_own_bells_and_what_waits_has_none(door: Door) -> None:
    later = (datetime.now(tz=UTC) + timedelta(hours=1)).isoformat()
    earlier = (datetime.now(tz=UTC) - timedelta(hours=1)).isoformat()
    outcomes = door.publisher.publish_many(
        [
            *(email(subject=str(number), priority="high") for number in range(40)),
            *(email(subject=str(number)) for number in range(40)),
            email(not_before=later),
            email(not_before=earlier),
        ]
    )
    assert (door.bells("notify.high"), door.bells()) == (40, 40)
    waits, may_go = outcomes[-2:]
    assert isinstance(waits, Published)
    assert isinstance(may_go, Published)
    assert (waits.state, may_go.state) == ("waiting", "queued")
    assert door.due()[may_go.id] <= door.now_ms(), "nobody rang, so the sweeper does at once"


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


def test_a_bell_is_rung_once_for_what_is_published_again(door: Door) -> None:
    document = email(id="n1", key="k1")
    assert [door.publisher.publish(document).again for _ in range(3)] == [False, True, True]
    with pytest.raises(KeyConflict):
        door.publisher.publish(email(id="n1", message="other"))
    assert door.bells() == 1


def test_what_is_not_to_be_sent_yet_has_no_bell(door: Door) -> None:
    door.publisher.publish(email(not_before=(datetime.now(tz=UTC) + timedelta(hours=1)).isoformat()))
    assert door.bells() == 0


@pytest.mark.parametrize("count", [1, 450])
def test_an_option_saved_meanwhile_holds_for_the_next_that_is_published(
    door: Door, valkey_url: str, count: int
) -> None:
    door.publisher.publish(email())
    with connect(valkey_url) as client:
        SettingsStore(client).change({"delivery.email_age_limit_hours": 2}, author="test")
    outcomes = door.publisher.publish_many([email(subject=str(number)) for number in range(count)])
    limits_ms = set()
    for each in outcomes:
        assert isinstance(each, Published)
        record = door.queries.get(each.id)
        assert record is not None
        limits_ms.add(record.expires_at_ms - record.accepted_at_ms)
    assert limits_ms == {2 * 3_600_000}
    assert [each.number for each in outcomes if isinstance(each, Published)] == list(range(2, 2 + count))
    assert door.publisher.accept(email()).state == "queued"
    assert door.bells() == 1 + count


def test_many_make_few_messages(door: Door) -> None:
    door.publisher.publish_many([email(subject=str(number)) for number in range(1_200)])
    assert door.bells() == 1_200
    assert door.redis.llen("notify.normal") <= 1_200 // 10


def test_a_text_that_does_not_fit_and_must_not_be_cut_is_refused(door: Door) -> None:
    with pytest.raises(InvalidNotification, match=r"^message"):
        door.publisher.publish(text(message="x" * 10_000, long_text="refuse"))


def test_what_is_only_accepted_is_left_to_the_caller_to_ring_for(door: Door) -> None:
    published = door.publisher.accept(email())
    assert published.state == "queued"
    assert door.bells() == 0
    assert door.due()[published.id] > door.now_ms() + 20_000, "the sweeper leaves it to the caller at first"
    with pytest.raises(KeyConflict):
        door.publisher.accept(email(id=published.id, message="other"))


def test_a_backlog_stays_in_the_ledger_and_out_of_the_broker(door: Door) -> None:
    files = [{"path": r"\\srv\share\file"}]
    many = [email(subject=str(number), attachments=files) for number in range(broker.QUEUE_LIMIT + 500)]
    assert all(isinstance(each, Published) for each in door.publisher.publish_many(many))
    assert door.queries.counts()["queued"] == broker.QUEUE_LIMIT + 500
    assert door.bells("notify.files") <= broker.QUEUE_LIMIT
    now_ms = door.now_ms()
    due = sum(score <= now_ms for score in door.due("files").values())
    rest = broker.QUEUE_LIMIT + 500 - door.bells("notify.files")
    assert due == rest, "the sweeper rings for the rest as there is room"


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
        monkeypatch.setattr(door.publisher._doorbell, "_clock", lambda: now[0])
        published = [door.publisher.publish(email()) for _ in range(3)]
        assert asked == 1
        assert set(door.due()) == {each.id for each in published}
        now[0] += 29
        door.publisher.publish(email())
        assert asked == 1, "as long as the wait was"
        now[0] += 1
        door.publisher.publish(email())
        assert asked == 2


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


def test_no_refusal_quotes_what_it_refuses(door: Door) -> None:
    secret = "the-secret-part"
    door.publisher.publish(email(id="taken", message=secret))
    for document in (email(to=[secret]), email(id="taken", message=f"{secret} 2"), email(key=[secret])):
        with pytest.raises(Exception, match=":") as caught:
            door.publisher.publish(document)
        assert secret not in str(caught.value) + repr(caught.value)
