"""The sweeper on a real Redis whose time the test moves: what is rung for, what ends, what comes free."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest

from settings_store.audit import Audit
from tasks import broker
from tasks.ledger import Claim, Results
from tasks.runtime import Runtime
from tests.rigs.installation import Installation
from tests.rigs.processes import free_port
from workers.sweeper import LOOK_AT_HELD_EVERY_SECONDS, PURGE_EVERY_SECONDS, Sweeper

RING_AGAIN_SECONDS = 31.0
PAST_THE_LEASE_SECONDS = 31.0
BATCH = 200


class Swept:
    """An installation without any worker, and one sweeper in the test's hand."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self.runtime = installation.runtime
        self.redis = installation.runtime.redis
        self.now = 0.0
        self.sweeper = Sweeper(installation.runtime, clock=lambda: self.now)
        installation.runtime.bells._clock = lambda: self.now

    def sweep(self) -> int:
        """The next second's sweep."""
        self.installation.server.advance(1)
        self.now += 1
        return self.sweeper.sweep()

    def queue(self, lane: str = "normal") -> int:
        return int(self.redis.llen(broker.QUEUE_OF_LANE[lane]))

    def forget_bells(self) -> None:
        self.redis.delete(*broker.QUEUE_OF_LANE.values())

    def claim(self, notification_id: str) -> Claim:
        claim = self.runtime.ledger.claim(notification_id, worker="dead")
        assert isinstance(claim, Claim)
        return claim


@pytest.fixture
def swept(installation: Installation) -> Swept:
    return Swept(installation)


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
    swept.installation.publish_many(count)
    for _ in range(3):
        swept.sweep()
        assert swept.queue() <= broker.QUEUE_LIMIT + BATCH
    assert swept.queue() >= broker.QUEUE_LIMIT
    rung = set(map(str, swept.redis.lrange("notify.normal", 0, -1)))
    swept.redis.ltrim("notify.normal", 0, 99)
    for _ in range(5):
        swept.sweep()
        assert swept.queue() <= broker.QUEUE_LIMIT + BATCH
    rung |= set(map(str, swept.redis.lrange("notify.normal", 0, -1)))
    assert len(rung) == count, "in the end each has had its bell"


def test_a_full_queue_keeps_no_other_lane_waiting(swept: Swept) -> None:
    swept.redis.lpush("notify.normal", *(["{}"] * broker.QUEUE_LIMIT))
    for priority in ("normal", "low", "high"):
        swept.installation.publish(priority=priority)
    swept.redis.delete("notify.low", "notify.high")
    swept.installation.server.advance(RING_AGAIN_SECONDS)
    assert swept.sweep() == 2
    assert (swept.queue("high"), swept.queue("low")) == (1, 1)
    assert swept.queue("normal") == broker.QUEUE_LIMIT


def test_what_is_over_is_forgotten_after_the_history_days(swept: Swept) -> None:
    swept.runtime.store.change({"text.history_days": 3}, author="test")
    old, young, still_open = (swept.installation.publish() for _ in range(3))
    swept.runtime.ledger.cancel(old.id, by="test")
    swept.installation.server.advance(2 * 86_400)
    swept.runtime.ledger.cancel(young.id, by="test")
    kept = swept.installation.publish()
    swept.installation.server.advance(86_400 + 60)
    swept.sweep()
    assert swept.installation.queries.get(old.id) is not None, "it is looked for once a minute"
    swept.now += PURGE_EVERY_SECONDS
    swept.sweep()
    assert swept.installation.queries.get(old.id) is None
    assert swept.installation.record(young.id).state == "cancelled"
    assert swept.installation.record(still_open.id).state == "expired"
    assert swept.installation.record(kept.id).state == "expired"


def test_rows_of_the_audit_go_after_the_days_of_the_option_that_hold_now(swept: Swept) -> None:
    audit = Audit(swept.redis)
    audit.record("anna", "message.cancel", "1")
    swept.installation.server.advance(3 * 86_400)
    swept.now += PURGE_EVERY_SECONDS
    swept.sweep()
    assert len([*audit.rows()]) == 1
    swept.runtime.store.change({"audit.days": 2}, author="test")
    swept.now += PURGE_EVERY_SECONDS
    swept.sweep()
    assert [row.action for row in audit.rows()] == ["options.change"]


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
        ring = runtime.bells.ring

        def remember(bells: object) -> int:
            told = list(bells)  # type: ignore[call-overload]
            rung.extend(notification_id for notification_id, _, _ in told)
            return ring(told)

        runtime.bells.ring = remember  # type: ignore[method-assign]
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
