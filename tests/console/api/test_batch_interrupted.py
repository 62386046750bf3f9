"""Redis is killed in the middle of a batch: of each the reply tells what is known, and the rest can go."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from console.api.sending import BatchResults, send_notifications
from tasks.portion import ACCEPT_AT_ONCE
from tasks.publisher import PublishInterrupted
from tasks.round_trip import UnderWay
from tests.rigs.faketime_redis import FaketimeRedis, faketime_redis
from tests.rigs.notifications import email
from tests.rigs.publisher_door import Door, door_to

_ALL = 2 * ACCEPT_AT_ONCE + 50


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[FaketimeRedis]:
    """A server of the test's own, to be killed."""
    with faketime_redis(tmp_path) as server:
        yield server


def sent(door: Door, documents: list[dict[str, object]]) -> BatchResults:
    """What the route answers, over a publisher that the test can break."""
    caller: Any = SimpleNamespace(backend=SimpleNamespace(publisher=door.publisher))
    return send_notifications(caller, msgspec.json.encode({"notifications": documents}))


def test_each_is_answered_for_as_far_as_that_is_known(
    own_server: FaketimeRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    take, taken = UnderWay.answer, 0

    def kill_before_the_second(under_way: UnderWay) -> Any:
        nonlocal taken
        taken += 1
        if taken == 1:
            answer = take(under_way)
            own_server.freeze()
            return answer
        own_server.stop()
        return take(under_way)

    documents = [dict(email(subject=str(number))) for number in range(_ALL)]
    with door_to(own_server.url) as door:
        with monkeypatch.context() as patch:
            patch.setattr(UnderWay, "answer", kill_before_the_second)
            broken = sent(door, documents)
        own_server.start()
        assert broken.accepted == ACCEPT_AT_ONCE
        assert [each.status for each in broken.results] == [202] * ACCEPT_AT_ONCE + [503] * (
            _ALL - ACCEPT_AT_ONCE
        )
        again = list(documents)
        kinds = []
        for place, each in enumerate(broken.results):
            if each.problem is None:
                continue
            kinds.append(each.problem.type.rpartition(":")[2])
            if kinds[-1] == "not-answered-for":
                assert each.problem.advice is not None
                again[place]["id"] = each.problem.advice.partition('"id": "')[2].partition('"')[0]
        assert kinds == ["not-answered-for"] * ACCEPT_AT_ONCE + ["redis-away"] * 50
        assert sent(door, again[ACCEPT_AT_ONCE:]).accepted == _ALL - ACCEPT_AT_ONCE
        assert sum(door.queries.counts().values()) == _ALL


def test_where_nothing_left_the_console_the_whole_batch_is_refused(own_server: FaketimeRedis) -> None:
    with door_to(own_server.url) as door:
        own_server.stop()
        with pytest.raises(PublishInterrupted):
            sent(door, [dict(email())])
