"""Redis goes away in the middle of many, and whoever published them goes on where that broke off."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import redis

from settings_store.environment import Environment
from tasks.notification import InvalidNotification
from tasks.portion import ACCEPT_AT_ONCE
from tasks.publisher import KeyConflict, Published, Publisher, PublishInterrupted
from tasks.round_trip import UnderWay
from tests.rigs.faketime_redis import FaketimeRedis
from tests.rigs.notifications import email
from tests.rigs.publisher_door import Door, door_to
from tests.rigs.severable import Severable, severable

_ALL = 3 * ACCEPT_AT_ONCE


class Interrupting(list[Mapping[str, object]]):
    """Documents with something that happens before one of them is looked at."""

    def __init__(self, at: int, happening: Callable[[], object]) -> None:
        super().__init__(email(subject=str(number)) for number in range(_ALL))
        self._at = at
        self.happening = happening

    def __getitem__(self, place: Any) -> Any:
        if place == self._at:
            self.happening()
        return super().__getitem__(place)


def interrupted(door: Door, documents: list[Mapping[str, object]]) -> PublishInterrupted:
    with pytest.raises(PublishInterrupted) as caught:
        door.publisher.publish_many(documents)
    return caught.value


def rest_of(documents: list[Mapping[str, object]], broken: PublishInterrupted) -> list[Mapping[str, object]]:
    return [
        *({**documents[place], "id": sent_as} for place, sent_as in broken.unknown.items()),
        *(documents[place] for place in broken.not_sent),
    ]


def test_the_error_says_of_each_what_is_known_and_the_rest_can_be_published(
    own_server: FaketimeRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = UnderWay.answer

    def freeze_after_the_first(under_way: UnderWay) -> Any:
        answer = take(under_way)
        own_server.freeze()
        return answer

    # While the third portion is made ready the second is on its way, and nobody is there to take it.
    documents = Interrupting(2 * ACCEPT_AT_ONCE + 5, own_server.stop)
    documents[3], documents[4] = email(to=["nobody"]), email(id="taken", message="other")
    with door_to(own_server.url) as door:
        door.publisher.publish(email(id="taken"))
        with monkeypatch.context() as patch:
            patch.setattr(UnderWay, "answer", freeze_after_the_first)
            broken = interrupted(door, documents)
        own_server.start()
        assert isinstance(broken, redis.RedisError)
        first = range(ACCEPT_AT_ONCE)
        # A refused one takes no place in a portion, so the first has one more.
        assert list(broken.outcomes) == [*first, ACCEPT_AT_ONCE]
        assert isinstance(broken.outcomes[3], InvalidNotification)
        assert isinstance(broken.outcomes[4], KeyConflict)
        assert len(broken.receipts) == ACCEPT_AT_ONCE - 1
        assert list(broken.unknown) == list(range(ACCEPT_AT_ONCE + 1, 2 * ACCEPT_AT_ONCE + 1))
        assert broken.not_sent == list(range(2 * ACCEPT_AT_ONCE + 1, _ALL))
        assert str(broken) == (
            f"Redis went away while many were published (ConnectionError): {ACCEPT_AT_ONCE - 1} accepted, "
            f"2 refused, {ACCEPT_AT_ONCE} sent and not answered for, {_ALL - 2 * ACCEPT_AT_ONCE - 1} not sent"
        )
        for receipt in broken.receipts.values():
            assert door.queries.get(receipt.id) is not None
        documents.happening = lambda: None
        again = door.publisher.publish_many(rest_of(documents, broken))
        assert all(isinstance(each, Published) for each in again)
        assert sum(door.queries.counts().values()) == 1 + _ALL - 2


def test_what_was_recorded_and_not_answered_for_is_the_same_when_it_is_published_again(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    take, taken = UnderWay.answer, 0

    def lose_the_second(under_way: UnderWay) -> Any:
        nonlocal taken
        taken += 1
        answer = take(under_way)
        if taken == 2:
            raise redis.TimeoutError("Timeout reading from socket")
        return answer

    documents = [email(subject=str(number)) for number in range(_ALL)]
    with monkeypatch.context() as patch:
        patch.setattr(UnderWay, "answer", lose_the_second)
        broken = interrupted(door, documents)
    again = door.publisher.publish_many(rest_of(documents, broken))
    assert [each.again for each in again if isinstance(each, Published)] == [
        *[True] * ACCEPT_AT_ONCE,
        *[False] * ACCEPT_AT_ONCE,
    ]
    assert sum(door.queries.counts().values()) == _ALL
    assert door.bells() == _ALL


def test_where_redis_is_away_from_the_start_nothing_was_sent(own_server: FaketimeRedis) -> None:
    documents = [email(subject=str(number)) for number in range(_ALL)]
    with door_to(own_server.url) as door:
        own_server.stop()
        broken = interrupted(door, documents)
        assert (broken.receipts, dict(broken.unknown), list(broken.not_sent)) == ({}, {}, list(range(_ALL)))
        own_server.start()
        door.publisher.publish(email())
        own_server.stop()
        with pytest.raises(redis.ConnectionError):
            door.publisher.publish(email())
        broken = interrupted(door, documents)
        assert list(broken.not_sent) == list(range(_ALL)), "the options are known by now"


def test_a_fault_of_the_documents_own_leaves_nothing_behind(door: Door) -> None:
    def fail() -> None:
        raise LookupError

    with pytest.raises(LookupError):
        door.publisher.publish_many(Interrupting(2 * ACCEPT_AT_ONCE + 5, fail))
    assert door.publisher.publish(email(id="after")).id == "after"


def test_programs_that_go_on_each_time_the_way_breaks_lose_none_and_send_none_twice(
    own_server: FaketimeRedis,
) -> None:
    receipts: dict[str, int] = {}
    wrong: list[object] = []

    def disturb(way: Severable) -> None:
        # A number of times, so that a slow machine comes to an end as well.
        for pause, cut_for in ((0.01, 0.3), (0.02, 0.0), (0.03, 0.0), (0.02, 0.3), (0.01, 0.0)) * 2:
            time.sleep(pause)
            way.cut()
            # Longer than a publisher tries again by itself.
            time.sleep(cut_for)
            way.mend()

    def publish(publisher: Publisher, name: str) -> None:
        left = [email(subject=f"{name}.{number}") for number in range(4 * ACCEPT_AT_ONCE)]
        while left:
            try:
                outcomes, left = publisher.publish_many(left), []
            except PublishInterrupted as broken:
                outcomes, left = list(broken.outcomes.values()), rest_of(left, broken)
            for each in outcomes:
                if isinstance(each, Published) and (each.id not in receipts or each.again):
                    receipts[each.id] = each.number
                else:
                    wrong.append(each)

    with severable(own_server.url) as way, door_to(own_server.url) as door:
        url = f"redis://127.0.0.1:{way.port}/0"
        publisher = Publisher.connect(Environment(redis_url=url, broker_url=url))
        threads = [threading.Thread(target=publish, args=(publisher, name)) for name in "abc"]
        threads.append(threading.Thread(target=disturb, args=(way,)))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        publisher.close()
        assert not wrong
        assert sorted(receipts.values()) == list(range(1, 3 * 4 * ACCEPT_AT_ONCE + 1))
        assert sum(door.queries.counts().values()) == 3 * 4 * ACCEPT_AT_ONCE
        assert {each for each in receipts if door.queries.get(each) is None} == set()
