"""The sweeper on a real Redis whose time the test moves: what is rung for, what ends, what comes free."""

from __future__ import annotations

import base64
import json
import logging
import threading
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import pytest

from tasks import broker
from tasks.ledger import Results
from tasks.runtime import Runtime
from tests.rigs.installation import Installation
from tests.rigs.mailbox import open_mailbox
from tests.rigs.processes import free_port
from tests.rigs.swept import Swept
from workers.sweeper import (
    LOOK_AT_HELD_EVERY_SECONDS,
    RUNG_AT_ONCE,
    WAITING_IN_BATCHES,
    Sweeper,
)

RING_AGAIN_SECONDS = 31.0
PAST_THE_LEASE_SECONDS = 31.0
BATCH = 200


def test_what_has_its_bell_is_not_rung_for_again_until_that_may_be_lost(swept: Swept) -> None:
    swept.installation.publish()
    assert (swept.sweep(), swept.queue()) == (0, 1)
    swept.forget_bells()
    swept.installation.server.advance(RING_AGAIN_SECONDS)
    assert (swept.sweep(), swept.queue()) == (1, 1)
    assert (swept.sweep(), swept.queue()) == (0, 1)


def test_what_waits_for_its_time_is_rung_for_then(swept: Swept) -> None:
    later = (datetime.now(tz=UTC) + timedelta(hours=1)).isoformat()
    published = swept.installation.publish(not_before=later)
    assert swept.sweep() == 0
    swept.installation.server.advance(3600)
    assert swept.sweep() == 1
    assert swept.installation.record(published.id).state == "queued"


@pytest.mark.parametrize("state", ["queued", "waiting", "held"])
def test_what_is_over_its_age_limit_ends_as_expired_and_is_told(
    swept: Swept, caplog: pytest.LogCaptureFixture, state: Literal["queued", "waiting", "held"]
) -> None:
    published = swept.installation.publish()
    if state != "queued":
        swept.runtime.ledger.finish(
            swept.claim(published.id),
            then=state,
            results=Results(),
            reason="for the test",
            delay_seconds=50 * 3600,
        )
    swept.installation.server.advance(25 * 3600)
    swept.forget_bells()
    assert swept.sweep() == 0
    assert swept.installation.record(published.id).state == "expired"
    assert f"ended_unsent notification={published.id} state=expired" in caplog.text
    assert swept.queue() == 1, "a worker is to show the end in Flower"
    assert swept.sweep() == 0
    assert swept.queue() == 1


def test_what_a_dead_worker_held_is_rung_for_when_its_lease_is_over(swept: Swept) -> None:
    published = swept.installation.publish()
    swept.claim(published.id)
    swept.forget_bells()
    assert swept.sweep() == 0
    swept.installation.server.advance(PAST_THE_LEASE_SECONDS)
    assert swept.sweep() == 1
    record = swept.installation.record(published.id)
    assert (record.state, record.lapses) == ("queued", 1)


def test_a_saved_option_releases_what_is_held(swept: Swept) -> None:
    published = swept.installation.publish()
    assert swept.runtime.deliverer.deliver(published.id).state == "held"
    swept.forget_bells()
    assert (swept.sweep(), swept.sweep()) == (0, 0)
    swept.installation.configure(primary=25)
    assert swept.sweep() == 1
    assert swept.installation.record(published.id).state == "queued"


def test_more_held_ones_than_one_look_takes_are_all_released(swept: Swept) -> None:
    ids = swept.installation.publish_many(BATCH + 50)
    for each in ids:
        swept.runtime.deliverer.deliver(each)
    swept.forget_bells()
    assert swept.installation.queries.counts()["held"] == BATCH + 50
    swept.installation.configure(primary=25)
    rung = sum(swept.sweep() for _ in range(3))
    assert rung == BATCH + 50


def test_now_and_then_all_that_is_held_is_looked_at_again(swept: Swept) -> None:
    published = swept.installation.publish()
    swept.runtime.deliverer.deliver(published.id)
    swept.forget_bells()
    assert swept.sweep() == 0
    swept.now += LOOK_AT_HELD_EVERY_SECONDS
    assert swept.sweep() == 1
    assert swept.runtime.deliverer.deliver(published.id).state == "held"


def test_a_backlog_is_rung_for_as_the_queue_has_room(swept: Swept) -> None:
    count = broker.QUEUE_LIMIT + 500
    swept.installation.publish_many(count, attachments=[{"path": r"\\srv\share\file"}])
    for _ in range(3):
        swept.sweep()
        assert swept.queue("files") <= broker.QUEUE_LIMIT + BATCH
    assert swept.queue("files") >= broker.QUEUE_LIMIT
    rung = set(map(str, swept.redis.lrange("notify.files", 0, -1)))
    swept.redis.ltrim("notify.files", 0, 99)
    for _ in range(5):
        swept.sweep()
        assert swept.queue("files") <= broker.QUEUE_LIMIT + BATCH
    rung |= set(map(str, swept.redis.lrange("notify.files", 0, -1)))
    assert len(rung) == count, "in the end each has had its bell"


def ids_in_queue(swept: Swept) -> list[str | list[str]]:
    """What each message of the queue carries: an id, or some."""
    raw = swept.redis.lrange("notify.normal", 0, -1)
    return [json.loads(base64.b64decode(json.loads(str(each))["body"]))[0][0] for each in raw]


def test_a_backlog_of_first_passes_is_rung_for_in_batches_up_to_a_bound(swept: Swept) -> None:
    count = WAITING_IN_BATCHES + broker.QUEUE_LIMIT + 500
    published = set(swept.installation.publish_many(count))
    swept.forget_bells()
    swept.installation.server.advance(RING_AGAIN_SECONDS)
    swept.now += 1
    swept.sweep()
    batches = ids_in_queue(swept)
    assert {len(each) for each in batches[1:]} <= {RUNG_AT_ONCE // broker.SLOTS_TO_FILL, 4}
    assert len({each for some in batches for each in some}) == WAITING_IN_BATCHES
    for _ in range(4):
        swept.sweep()
    assert swept.queue() <= broker.QUEUE_LIMIT, "from there on single bells fill it up"
    swept.forget_bells()
    for _ in range(4):
        swept.sweep()
    later = [[each] if isinstance(each, str) else each for each in ids_in_queue(swept)]
    assert published >= {each for some in later for each in some}
    assert len({each for some in (*batches, *later) for each in some}) > WAITING_IN_BATCHES


def test_those_that_were_tried_before_have_messages_of_their_own_and_no_more_than_the_queue_takes(
    swept: Swept,
) -> None:
    ids = swept.installation.publish_many(broker.QUEUE_LIMIT + 500)
    tried = swept.redis.pipeline(transaction=False)
    for each in ids:
        tried.hset(f"notify:n:{each}", "pass", 1)
    tried.execute()
    swept.forget_bells()
    swept.installation.server.advance(RING_AGAIN_SECONDS)
    swept.now += 1
    swept.sweep()
    assert swept.queue() == broker.QUEUE_LIMIT
    swept.forget_bells()
    swept.sweep()
    assert swept.queue() == 500, "the others have theirs when there is room"


def test_those_whose_workers_died_are_rung_for_in_turn_and_beside_no_others(swept: Swept) -> None:
    ids = swept.installation.publish_many(64)
    suspects = {ids[number] for number in range(0, 64, 7)}
    for each in suspects:
        swept.claim(each)
    swept.forget_bells()
    swept.installation.server.advance(PAST_THE_LEASE_SECONDS)
    swept.sweep()
    messages = [{each} if isinstance(each, str) else {*each} for each in ids_in_queue(swept)]
    assert [each for each in messages if each & suspects] == [suspects]
    assert set.union(*messages) == {*ids}


def test_a_full_queue_keeps_no_other_lane_waiting(swept: Swept) -> None:
    swept.redis.lpush("notify.normal", *(["{}"] * broker.QUEUE_LIMIT))
    for priority in ("normal", "low", "high"):
        swept.installation.publish(priority=priority)
    swept.redis.delete("notify.low", "notify.high")
    swept.installation.server.advance(RING_AGAIN_SECONDS)
    assert swept.sweep() == 2
    assert (swept.queue("high"), swept.queue("low")) == (1, 1)
    assert swept.queue("normal") == broker.QUEUE_LIMIT


def test_sweepers_at_once_ring_once_for_each(installation: Installation) -> None:
    ids = set(installation.publish_many(400))
    installation.runtime.redis.delete(*broker.QUEUE_OF_LANE.values())
    installation.server.advance(RING_AGAIN_SECONDS)
    runtimes = [Runtime(installation.environment, worker=f"sweeper {number}") for number in range(4)]
    rung: list[str] = []

    def sweep(runtime: Runtime, start: threading.Barrier) -> None:
        sweeper = Sweeper(runtime)
        # Each with a lock of its own, as if all of them had it.
        sweeper._lock_key = f"notify:sweeper:{runtime.worker}"
        ring = runtime.bells.ring_together

        def remember(ids: Sequence[str], lane: str, **how: Any) -> int:
            rung.extend(ids)
            return ring(ids, lane, **how)

        runtime.bells.ring_together = remember  # type: ignore[method-assign]
        start.wait()
        sweeper.sweep()

    start = threading.Barrier(len(runtimes))
    threads = [threading.Thread(target=sweep, args=(runtime, start)) for runtime in runtimes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for runtime in runtimes:
        runtime.close()
    assert Counter(rung) == dict.fromkeys(ids, 1)


def test_the_lock_spares_the_others_the_work(installation: Installation) -> None:
    installation.publish_many(3)
    installation.runtime.redis.delete(*broker.QUEUE_OF_LANE.values())
    installation.server.advance(RING_AGAIN_SECONDS)
    first, second = Sweeper(installation.runtime), Sweeper(installation.runtime)
    assert (first.sweep(), second.sweep()) == (3, 0)


def test_without_a_broker_ends_are_seen_and_the_rest_is_rung_for_later(
    installation: Installation, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    over = installation.publish()
    installation.server.advance(24 * 3600 - 60)
    still = installation.publish()
    installation.server.advance(120)
    apart = Runtime(
        type(installation.environment)(
            redis_url=installation.server.url, broker_url=f"redis://127.0.0.1:{free_port()}/0"
        )
    )
    assert Sweeper(apart).sweep() == 0
    apart.close()
    assert installation.record(over.id).state == "expired"
    assert f"ended_unsent notification={over.id} state=expired" in caplog.text
    assert "broker_not_reached error=OperationalError" in caplog.text
    installation.runtime.redis.delete("notify.normal")
    installation.server.advance(1)
    assert Sweeper(installation.runtime).sweep() == 1
    assert installation.record(still.id).state == "queued"


def test_a_full_redis_keeps_no_sweep_back(installation: Installation) -> None:
    swept = Swept(installation)
    published = installation.publish()
    swept.forget_bells()
    swept.redis.config_set("maxmemory", 1)
    installation.server.advance(RING_AGAIN_SECONDS)
    assert swept.sweep() == 1
    assert swept.queue() == 1
    assert installation.record(published.id).state == "queued"


@pytest.mark.parametrize("limit_then", [60, 0])
def test_what_has_a_turn_that_is_far_off_asks_anew_once_the_limit_is_another_and_for_nothing_else(
    swept: Swept, limit_then: int
) -> None:
    runtime = swept.runtime
    with open_mailbox() as mailbox:
        swept.installation.configure(primary=mailbox)
        limit = "limits.primary_email_messages_per_minute"
        runtime.store.change({limit: 1}, author="test")
        first, second, third = swept.installation.publish_many(3)
        states = [runtime.deliverer.deliver(each).state for each in (first, second, third)]
        assert states == ["delivered", "waiting", "waiting"]
        runtime.store.change({"text.history_days": 7}, author="test")
        swept.sweep()
        assert swept.installation.queries.counts()["waiting"] == 2
        runtime.store.change({limit: limit_then}, author="test")
        swept.sweep()
        states = [runtime.deliverer.deliver(each).state for each in (second, third)]
        assert states == ["delivered", "delivered"]
        assert runtime.ledger.awaited() == set()
