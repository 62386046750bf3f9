"""The door, on a real Redis: what is accepted, what is refused, and what happens when half of it is away."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest
import redis

from settings_store.redis_client import connect
from settings_store.store import SettingsStore
from tasks import broker
from tasks.bells import messages_for
from tasks.notification import InvalidNotification, parse
from tasks.portion import ACCEPT_AT_ONCE, ACCEPT_AT_ONCE_CHARACTERS
from tasks.publisher import (
    ExpiredAlready,
    KeyConflict,
    Published,
)
from tests.rigs.notifications import email, text
from tests.rigs.publisher_door import Door


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
    monkeypatch.setattr("tasks.ledger.memory_watch._LOOK_EVERY_SECONDS", 3_600)
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


def test_every_id_that_is_made_is_a_random_uuid_as_the_standard_writes_it(door: Door) -> None:
    outcomes = door.publisher.publish_many([email(subject=str(number)) for number in range(100)])
    ids = [each.id for each in outcomes if isinstance(each, Published)]
    assert [str(uuid.UUID(each)) for each in ids] == ids
    assert {(uuid.UUID(each).version, uuid.UUID(each).variant) for each in ids} == {(4, uuid.RFC_4122)}
    assert {each[19] for each in ids} == set("89ab")
    assert len(set(ids)) == 100


def test_numbers_have_no_gap_whatever_is_refused_or_known_among_many(door: Door) -> None:
    past = (datetime.now(tz=UTC) - timedelta(minutes=1)).isoformat()
    outcomes = door.publisher.publish_many(
        [
            email(id="a"),
            email(id="a"),
            email(expires=past),
            email(id="b"),
            email(id="a", message="x"),
            email(),
        ]
    )
    assert [each.number for each in outcomes if isinstance(each, Published)] == [1, 1, 2, 3]
    assert door.publisher.publish(email()).number == 4


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


def test_no_refusal_quotes_what_it_refuses(door: Door) -> None:
    secret = "the-secret-part"
    door.publisher.publish(email(id="taken", message=secret))
    for document in (email(to=[secret]), email(id="taken", message=f"{secret} 2"), email(key=[secret])):
        with pytest.raises(Exception, match=":") as caught:
            door.publisher.publish(document)
        assert secret not in str(caught.value) + repr(caught.value)
