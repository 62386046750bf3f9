"""The sweeper on a real Redis whose time the test moves: what is rung for, what ends, what comes free."""

from __future__ import annotations

import base64
import dataclasses
import json
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest
import redis

from settings_store.audit import Audit
from settings_store.cipher import Cipher
from settings_store.snapshot import Opener
from tasks import broker
from tasks.breaker import Reported
from tasks.ledger import Claim, Results
from tasks.routing import servers_in_use
from tasks.runtime import Runtime
from tasks.server import Basic
from tasks.verdict import Verdict
from tests.rigs.installation import Installation
from tests.rigs.mailbox import Mailbox
from tests.rigs.processes import free_port
from workers.probes import Probes
from workers.sweeper import (
    LOOK_AT_HELD_EVERY_SECONDS,
    PURGE_EVERY_SECONDS,
    PURGES_A_SWEEP,
    RUNG_AT_ONCE,
    WAITING_IN_BATCHES,
    Sweeper,
)

RING_AGAIN_SECONDS = 31.0
PAST_THE_LEASE_SECONDS = 31.0
BATCH = 200


class Swept:
    """An installation without any worker, and one sweeper in the test's hand."""

    def __init__(self, installation: Installation, probes: Probes | None = None) -> None:
        self.installation = installation
        self.runtime = installation.runtime
        self.redis = installation.runtime.redis
        self.now = 0.0
        probes = probes or Probes(installation.runtime, run=lambda act, _name: act())
        self.sweeper = Sweeper(installation.runtime, clock=lambda: self.now, probes=probes)
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


class OneServer:
    """Primary Email alone, open since a moment ago, with so many waiting for it."""

    def __init__(self, swept: Swept, mailbox: Mailbox, waiting: int) -> None:
        self.swept, self.mailbox = swept, mailbox
        self.installation = swept.installation
        swept.installation.configure(primary=mailbox)
        mailbox.go_down()
        (server,) = servers_in_use(swept.runtime.store.snapshot())[:1]
        self.fingerprint = server.fingerprint
        for number in range(3):
            report = swept.runtime.breaker.report(
                self.fingerprint,
                Verdict.SERVER_DOWN,
                name="primary_email",
                token=f"t{number}",
                began_ms=int(time.time() * 1000) + 1000,
                reason="the server is not ready",
            )
        assert report == Reported("open", moved=True)
        self.ids = swept.installation.publish_many(waiting)
        for each in self.ids:
            swept.runtime.ledger.finish(
                swept.claim(each),
                then="waiting",
                results=Results(),
                reason="passed over",
                delay_seconds=3600,
                counts_as_pass=False,
                revision=swept.runtime.store.snapshot().revision,
                waits_for=(self.fingerprint,),
            )
        swept.forget_bells()

    def pass_probe_time(self) -> None:
        self.installation.server.advance(6)


def test_a_server_that_is_well_again_is_found_so_by_a_test_and_what_waited_is_let_go_paced(
    swept: Swept, mailbox: Mailbox
) -> None:
    one = OneServer(swept, mailbox, 100)
    assert swept.sweep() == 0
    mailbox.come_up()
    one.pass_probe_time()
    rung = [swept.sweep() for _ in range(11)]
    assert rung[0] == 0, "the test ended after those who wait were looked at"
    assert (mailbox.connections, mailbox.taken) == (1, 0)
    assert rung[1] <= 10
    assert max(rung) <= 25
    assert sum(rung) == 100
    assert swept.installation.queries.counts()["queued"] == 100


def test_a_server_that_is_still_away_is_tested_later_and_nothing_is_let_go(
    swept: Swept, mailbox: Mailbox
) -> None:
    one = OneServer(swept, mailbox, 3)
    one.pass_probe_time()
    assert [swept.sweep() for _ in range(5)] == [0] * 5
    assert mailbox.connections == 1
    assert swept.runtime.breaker.allows([one.fingerprint])[one.fingerprint].state == "open"


def test_a_server_that_is_no_longer_configured_is_not_tested(swept: Swept, mailbox: Mailbox) -> None:
    one = OneServer(swept, mailbox, 1)
    one.installation.configure(primary=free_port())
    one.pass_probe_time()
    assert swept.sweep() == 1, "what waited for it goes the way of the new options"
    assert mailbox.connections == 0


def test_a_paused_server_is_not_tested_and_a_resumed_one_is_and_lets_go(
    swept: Swept, mailbox: Mailbox
) -> None:
    one = OneServer(swept, mailbox, 1)
    swept.runtime.breaker.pause(one.fingerprint, name="primary_email", by="ops", reason="why")
    mailbox.come_up()
    one.pass_probe_time()
    assert (swept.sweep(), mailbox.connections) == (0, 0)
    swept.runtime.breaker.resume(one.fingerprint)
    assert sum(swept.sweep() for _ in range(2)) == 1


def test_a_test_that_hangs_keeps_no_sweep_waiting_and_is_begun_once(
    installation: Installation, mailbox: Mailbox
) -> None:
    begun: list[Callable[[], None]] = []
    probes = Probes(installation.runtime, run=lambda act, _name: begun.append(act))
    swept = Swept(installation, probes)
    one = OneServer(swept, mailbox, 1)
    mailbox.come_up()
    one.pass_probe_time()
    assert [swept.sweep(), swept.sweep()] == [0, 0]
    (test,) = begun
    test()
    assert swept.sweep() == 1
    one.pass_probe_time()
    assert len(begun) == 1


def test_a_worker_without_the_key_leaves_the_test_to_another(
    swept: Swept, mailbox: Mailbox, caplog: pytest.LogCaptureFixture
) -> None:
    one = OneServer(swept, mailbox, 0)
    (server,) = servers_in_use(swept.runtime.store.snapshot())[:1]
    no_key = Opener(Cipher(None, "notify"), "primary_email.authentication_password", "notify$1$k$x$y")
    sealed = dataclasses.replace(server, sign_in=Basic("robot", no_key, "seal"))
    snapshot = swept.runtime.store.snapshot()
    permission = dataclasses.replace(
        swept.runtime.breaker.allows([one.fingerprint])[one.fingerprint], probe_due=True
    )
    Probes(swept.runtime, run=lambda act, _name: act()).begin(
        {one.fingerprint: sealed}, {one.fingerprint: permission}, snapshot
    )
    assert "probe_not_possible server=primary_email" in caplog.text
    assert mailbox.connections == 0


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


def test_much_is_forgotten_in_bounded_parts_sweep_by_sweep_and_nothing_of_it_stays(swept: Swept) -> None:
    swept.runtime.store.change({"text.history_days": 1}, author="test")
    ids = swept.installation.publish_many(PURGES_A_SWEEP * BATCH + 50)
    for notification_id in ids:
        swept.runtime.ledger.cancel(notification_id, by="test")
    swept.installation.server.advance(2 * 86_400)
    swept.now += PURGE_EVERY_SECONDS
    swept.sweep()
    assert swept.installation.queries.counts()["cancelled"] == 50
    swept.sweep()
    assert swept.installation.queries.counts()["cancelled"] == 0
    left = {str(key) for kind in ("n", "t", "by", "list", "numbers", "key") for key in _keys(swept, kind)}
    assert left == set()


def _keys(swept: Swept, kind: str) -> list[str]:
    return list(map(str, swept.redis.keys(f"{swept.runtime.environment.prefix}:{kind}:*")))


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


def test_a_fault_in_the_audit_keeps_no_notification_from_being_forgotten_nor_the_other_way(
    swept: Swept,
) -> None:
    swept.runtime.store.change({"text.history_days": 1, "audit.days": 1}, author="test")
    old = swept.installation.publish()
    swept.runtime.ledger.cancel(old.id, by="test")
    audit = Audit(swept.redis)
    swept.redis.rename("notify:audit", "notify:audit:kept")
    swept.redis.set("notify:audit", "no stream")
    swept.installation.server.advance(2 * 86_400)
    swept.now += PURGE_EVERY_SECONDS
    with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
        swept.sweep()
    assert swept.installation.queries.get(old.id) is None
    swept.redis.rename("notify:audit:kept", "notify:audit")
    swept.redis.set("notify:finished", "no index")
    assert [*audit.rows()]
    swept.now += PURGE_EVERY_SECONDS
    with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
        swept.sweep()
    assert not [*audit.rows()]


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

        def remember(ids: Sequence[str], lane: str, *, in_turn: bool = False) -> int:
            rung.extend(ids)
            return ring(ids, lane, in_turn=in_turn)

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
