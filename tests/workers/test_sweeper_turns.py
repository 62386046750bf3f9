"""Who has its turn within a limit is rung for before a backlog that has none yet."""

from __future__ import annotations

import base64
import json

import pytest

from tasks import broker
from tasks.delivery.message_name import message_name
from tasks.ledger import Results
from tasks.limits import Wait, account_of, allowance_for
from tasks.routing import servers_in_use
from tests.rigs.processes import free_port
from tests.rigs.swept import Swept

BACKLOG = 3_000
PER_MINUTE = 30


def wait_for_turn(swept: Swept, notification_id: str, *, urgent: bool = False) -> float:
    """Make the pass that a limit puts off, as a worker does; how many seconds off its turn is."""
    snapshot = swept.runtime.store.snapshot()
    server = servers_in_use(snapshot)[0]
    answer = swept.runtime.admission.limits.take(
        account_of(server),
        allowance_for(snapshot, server),
        message=message_name(notification_id, 0),
        urgent=urgent,
    )
    seconds = answer.wait_seconds if isinstance(answer, Wait) else 0.0
    swept.runtime.ledger.finish(
        swept.claim(notification_id),
        then="waiting",
        results=Results(),
        reason="our own limit of messages per minute",
        delay_seconds=seconds,
        counts_as_pass=False,
    )
    return seconds


def next_taken(swept: Swept, lane: str = "normal") -> list[str]:
    """What a worker takes next from the lane's queue, in order: ids, or the first of each batch."""
    messages = [json.loads(each) for each in swept.redis.lrange(broker.QUEUE_OF_LANE[lane], 0, -1)]
    return [each["headers"]["id"] for each in reversed(messages)]


@pytest.fixture
def in_line(swept: Swept) -> list[str]:
    """A backlog that has no turn yet, and seven that came after it and have, but for the first five."""
    installation = swept.installation
    installation.configure(primary=free_port())
    installation.runtime.store.change({"limits.primary_email_messages_per_minute": PER_MINUTE}, author="test")
    installation.publish_many(BACKLOG)
    ids = installation.publish_many(7)
    waits = [wait_for_turn(swept, each) for each in ids]
    assert waits[:5] == [0.0] * 5
    assert 9 < waits[5] < waits[6] < 13
    swept.forget_bells()
    return ids[5:]


def test_who_has_its_turn_is_rung_for_before_all_that_were_due_before(
    swept: Swept, in_line: list[str]
) -> None:
    swept.installation.server.advance(31)
    assert swept.sweep() > 2
    assert next_taken(swept)[:2] == in_line
    swept.forget_bells()
    swept.sweep()
    assert not set(in_line) & set(next_taken(swept)), "they have their bell until that may be lost"


def test_it_goes_before_what_is_in_the_queue_which_may_be_full(swept: Swept, in_line: list[str]) -> None:
    swept.redis.lpush(broker.QUEUE_OF_LANE["normal"], *(['{"headers": {"id": "old"}}'] * broker.QUEUE_LIMIT))
    swept.installation.server.advance(31)
    assert swept.sweep() == 2
    assert next_taken(swept)[:3] == [*in_line, "old"]


def test_many_share_messages_and_are_taken_in_their_order(swept: Swept) -> None:
    swept.installation.configure(primary=free_port())
    swept.installation.runtime.store.change({"limits.primary_email_messages_per_minute": 600}, author="test")
    swept.installation.publish_many(BACKLOG)
    ids = swept.installation.publish_many(196)
    waits = [wait_for_turn(swept, each) for each in ids]
    assert waits[99] == 0.0 < waits[100]
    swept.forget_bells()
    swept.installation.server.advance(31)
    swept.sweep()
    messages = [json.loads(each) for each in swept.redis.lrange(broker.QUEUE_OF_LANE["normal"], 0, -1)]
    taken = [json.loads(base64.b64decode(each["body"]))[0][0] for each in reversed(messages)]
    assert taken[:16] == [ids[start : start + 6] for start in range(100, 196, 6)]


@pytest.mark.parametrize("passes, lapses", [(1, 0), (0, 1)])
def test_one_that_was_tried_before_goes_first_too_but_for_one_whose_worker_died(
    swept: Swept, in_line: list[str], passes: int, lapses: int
) -> None:
    swept.redis.hset(f"notify:n:{in_line[0]}", mapping={"pass": passes, "lapses": lapses})
    swept.installation.server.advance(31)
    swept.sweep()
    assert (in_line[0] in next_taken(swept)[:2]) == (not lapses)
    assert in_line[1] in next_taken(swept)[:2]


def test_before_its_time_it_is_not_rung_for(swept: Swept, in_line: list[str]) -> None:
    swept.sweep()
    assert not set(in_line) & set(next_taken(swept))


def test_one_that_ended_meanwhile_is_passed_over(swept: Swept, in_line: list[str]) -> None:
    swept.runtime.ledger.cancel(in_line[0], by="test")
    swept.installation.server.advance(31)
    swept.sweep()
    assert next_taken(swept)[0] == in_line[1]


def test_without_a_limit_nobody_asks_whose_turn_it_is(
    swept: Swept, in_line: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert in_line
    swept.installation.runtime.store.change({"limits.primary_email_messages_per_minute": 0}, author="test")
    monkeypatch.setattr(
        swept.runtime.admission.limits._scripts, "run", lambda *_: pytest.fail("a question nobody needs")
    )
    swept.sweep()
