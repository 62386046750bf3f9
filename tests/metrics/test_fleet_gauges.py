"""What is told of the fleet, read from a real Redis; and that it is silent rather than wrong without one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import redis
from prometheus_client import CollectorRegistry

from settings_store.redis_client import connect
from settings_store.snapshot import Snapshot
from settings_store.store import SettingsStore
from tasks.breaker import Breaker
from tasks.entries import checked, entry_of
from tasks.fleet import Fleet, WorkerLife, redis_clock
from tasks.ledger import STATES, Ledger
from tasks.limits import Granted, Limits, account_of, allowance_for, new_holder
from tasks.metrics import FleetGauges
from tasks.routing import server_of
from tests.rigs.notifications import email
from tests.rigs.processes import free_port


class Desk:
    """An installation without workers, and the registry that tells of it."""

    def __init__(self, client: redis.Redis) -> None:
        self.redis = client
        self.store = SettingsStore(client)
        self.ledger = Ledger(client)
        self.seconds = 0.0
        self.registry = CollectorRegistry()
        self.registry.register(FleetGauges(client, self.store.snapshot, elapsed=lambda: self.seconds))

    def accept(self, **fields: object) -> str:
        entry = entry_of(checked(email(**fields)), self.store.snapshot())
        return self.ledger.accept(entry, ring=True).id

    def value(self, name: str, **labels: str) -> float | None:
        """As it is now, and not as it was kept."""
        self.seconds += 10
        return self.registry.get_sample_value(f"notify_{name}", labels)

    def told(self) -> dict[str, float]:
        """Every sample without labels' values that could hide in it."""
        self.seconds += 10
        return {
            f"{sample.name} {sample.labels}": sample.value
            for family in self.registry.collect()
            for sample in family.samples
        }


@pytest.fixture
def desk(redis_server: redis.Redis) -> Desk:
    return Desk(redis_server)


def test_an_empty_installation_tells_every_state_priority_and_server_from_the_start(desk: Desk) -> None:
    assert {state: desk.value("notifications", state=state) for state in STATES} == dict.fromkeys(STATES, 0)
    assert [desk.value("queue_age_seconds", priority=each) for each in ("high", "normal", "low")] == [0, 0, 0]
    assert desk.value("server_configured", server="secondary_sms") == 0
    assert desk.value("channel_condition", channel="text", condition="unset") == 1
    assert (desk.value("redis_up"), desk.value("options_readable"), desk.value("workers")) == (1, 1, 0)
    assert (desk.value("ledger_accepted_total"), desk.value("options_revision")) == (0, 0)


def test_what_waits_is_told_by_state_and_by_the_age_of_the_oldest_of_each_priority(desk: Desk) -> None:
    first = desk.accept(priority="high")
    desk.accept(priority="high")
    number = desk.redis.hget(f"notify:n:{first}", "number")
    desk.redis.zincrby("notify:ready:high", -90_000, str(number))
    age = desk.value("queue_age_seconds", priority="high")
    assert age is not None
    assert 90 <= age < 150
    assert desk.value("queue_age_seconds", priority="normal") == 0
    assert (desk.value("notifications", state="queued"), desk.value("ledger_accepted_total")) == (2, 2)
    desk.ledger.cancel(first, by="test")
    assert desk.value("notifications", state="cancelled") == 1
    newer = desk.value("queue_age_seconds", priority="high")
    assert newer is not None
    assert newer < 60


def test_what_waits_for_its_time_has_no_age(desk: Desk) -> None:
    desk.accept(not_before=(datetime.now(tz=UTC) + timedelta(hours=1)).isoformat())
    assert desk.value("notifications", state="waiting") == 1
    assert desk.value("queue_age_seconds", priority="normal") == 0


def test_a_server_that_is_left_alone_shows_as_such_and_as_a_fallback(desk: Desk) -> None:
    desk.store.change(
        {"primary_email.server_name": "one.test", "secondary_email.server_name": "two.test"}, author="test"
    )
    primary = server_of(desk.store.snapshot(), "primary_email")
    assert primary is not None
    assert desk.value("server_state", server="primary_email", state="closed") == 1
    assert desk.value("channel_condition", channel="email", condition="well") == 1
    Breaker(desk.redis).pause(primary.fingerprint, name="primary_email", by="me", reason="moved")
    assert desk.value("server_state", server="primary_email", state="paused") == 1
    assert desk.value("server_state", server="primary_email", state="closed") == 0
    assert desk.value("channel_condition", channel="email", condition="fallback") == 1
    assert desk.value("channel_condition", channel="email", condition="well") == 0
    assert desk.value("server_state", server="primary_sms", state="closed") == 0
    assert not any("test" in line for line in desk.told())


def test_our_own_limits_and_what_is_used_of_them_are_told_by_server(desk: Desk) -> None:
    assert desk.value("limit_connections", server="primary_email") == 0
    desk.store.change(
        {
            "primary_email.server_name": "one.test",
            "limits.primary_email_connections": 3,
            "limits.primary_email_messages_per_minute": 30,
        },
        author="test",
    )
    primary = server_of(desk.store.snapshot(), "primary_email")
    assert primary is not None
    allowance = allowance_for(desk.store.snapshot(), primary)
    limits = Limits(desk.redis, worker="w1")
    assert isinstance(
        limits.take(account_of(primary), allowance, message="one", holder=new_holder()), Granted
    )
    told = {
        name: desk.value(f"limit_{name}", server="primary_email")
        for name in ("connections", "connections_held", "messages", "messages_used", "messages_waiting")
    }
    assert told == {
        "connections": 3,
        "connections_held": 1,
        "messages": 30,
        "messages_used": 1,
        "messages_waiting": 0,
    }
    assert desk.value("limit_messages_used", server="secondary_sms") == 0


def test_workers_are_told_by_life_slots_and_revision(desk: Desk) -> None:
    fleet, (now_ms, _) = Fleet(desk.redis), redis_clock(desk.redis)
    revision = desk.store.change({"primary_email.server_name": "one.test"}, author="test").revision
    fleet.beat("a", WorkerLife(revision=revision, slots=16, busy=3, connections_kept=2), at_ms=now_ms)
    fleet.beat("b", WorkerLife(revision=revision - 1, slots=4, unfit="no key"), at_ms=now_ms)
    fleet.beat("c", WorkerLife(), at_ms=now_ms)
    desk.redis.delete("notify:worker:c")
    names = ("workers", "workers_gone", "workers_unfit", "workers_behind", "worker_slots", "worker_busy")
    assert [desk.value(name) for name in names] == [2, 1, 1, 1, 20, 3]
    assert desk.value("connections_kept") == 2


def test_days_left_are_told_of_secrets_whose_last_day_is_set(redis_server: redis.Redis) -> None:
    snapshot = Snapshot(
        1,
        {
            "primary_email.client_secret": "sealed",
            "secret_expiry.primary_email_client_secret": "2026-11-20",
            "secondary_email.client_secret": "sealed",
        },
    )
    noon = datetime(2026, 11, 16, 12, tzinfo=UTC).timestamp()
    registry = CollectorRegistry()
    registry.register(FleetGauges(redis_server, lambda: snapshot, clock=lambda: noon))
    name = "notify_secret_days_left"
    assert registry.get_sample_value(name, {"option": "primary_email.client_secret"}) == 4
    assert registry.get_sample_value(name, {"option": "secondary_email.client_secret"}) is None


def test_memory_is_told_where_redis_has_a_limit(desk: Desk) -> None:
    assert desk.value("redis_memory_ratio") is None
    desk.redis.config_set("maxmemory", "100mb")
    try:
        ratio = desk.value("redis_memory_ratio")
    finally:
        desk.redis.config_set("maxmemory", "0")
    assert ratio is not None
    assert 0 < ratio < 1


def test_damaged_options_take_only_what_follows_from_them(desk: Desk) -> None:
    desk.redis.hset("notify:settings", mapping={"revision": "1", "values": "no json"})
    assert (desk.value("redis_up"), desk.value("options_readable"), desk.value("workers")) == (1, 0, 0)
    assert desk.value("server_configured", server="primary_email") is None


def test_without_redis_that_alone_is_told() -> None:
    client = connect(f"redis://127.0.0.1:{free_port()}/0", retries=0)
    registry = CollectorRegistry()
    registry.register(FleetGauges(client, SettingsStore(client).snapshot))
    assert [sample.name for family in registry.collect() for sample in family.samples] == ["notify_redis_up"]
    assert registry.get_sample_value("notify_redis_up") == 0


def test_who_asks_often_gets_the_last_answer(desk: Desk) -> None:
    assert desk.value("ledger_accepted_total") == 0
    desk.accept()
    desk.seconds += 0.5
    assert desk.registry.get_sample_value("notify_ledger_accepted_total") == 0
    desk.seconds += 0.5
    assert desk.registry.get_sample_value("notify_ledger_accepted_total") == 1
