"""The doctor's rules: from facts to findings, each fault alone in an installation that is well otherwise."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from console.doctor import Finding, diagnose, worst
from console.doctor.facts import BrokerFacts, KeyFacts, LedgerFacts, RabbitMQFacts
from settings_store.kinds import Value
from tasks.broker import QUEUE_OF_LANE
from tasks.carrier_gateways import ENDED
from tasks.fleet import FleetMember
from tasks.ledger import LANES
from tasks.routing import server_of
from tasks.server_status import server_statuses
from tasks.server_test import LastTest
from tests.rigs.doctor_facts import GOOD_REDIS, LIFE, NOW_MS, WELL, bad, facts, only, snapshot, state


def test_an_installation_that_is_well_has_nothing_to_mend() -> None:
    findings = diagnose(facts())
    assert [finding for finding in findings if finding.level != "ok"] == []
    assert worst(findings) == "ok"
    assert len(findings) >= 10
    assert not [finding for finding in findings if finding.why or finding.fix]


def test_the_worst_level_counts() -> None:
    ok, warn, error = (Finding("c", level, "w") for level in ("ok", "warn", "error"))
    assert worst([]) == "ok"
    assert worst([ok, warn]) == "warn"
    assert worst([warn, error, ok]) == "error"


@pytest.mark.parametrize(
    "change, check, level, fix",
    [
        ({"version": "6.0.16"}, "redis.version", "error", "6.2"),
        ({"version": "5.0"}, "redis.version", "error", "6.2"),
        ({"is_replica": True}, "redis.role", "error", "primary"),
        ({"append_only": False}, "redis.persistence", "error", "CONFIG SET appendonly yes"),
        ({"append_fsync": "everysec"}, "redis.persistence", "warn", "CONFIG SET appendfsync always"),
        ({"append_fsync": "no"}, "redis.persistence", "warn", "CONFIG SET appendfsync always"),
        ({"append_fsync": ""}, "redis.persistence", "warn", "CONFIG GET appendfsync"),
        ({"append_well": False}, "redis.append_file", "error", "disk"),
        ({"policy": "allkeys-lru"}, "redis.eviction", "error", "maxmemory-policy noeviction"),
        ({"memory_maximum_bytes": 0}, "redis.memory", "warn", "maxmemory"),
        ({"memory_bytes": 70 << 20}, "redis.memory", "warn", "text.history_days"),
        ({"memory_bytes": 85 << 20}, "redis.memory", "error", "text.history_days"),
        ({"seconds": 0.5}, "redis.speed", "warn", "SLOWLOG"),
    ],
)
def test_what_redis_lacks_is_found(change: dict[str, Any], check: str, level: str, fix: str) -> None:
    finding = only(facts(redis=replace(GOOD_REDIS, **change)))
    assert (finding.check, finding.level) == (check, level)
    assert fix in finding.fix
    assert finding.why


@pytest.mark.parametrize("version", ["6.2.0", "7.0.15", "9.1.2", "10.0.0"])
def test_a_version_that_is_new_enough_is_well(version: str) -> None:
    assert bad(facts(redis=replace(GOOD_REDIS, version=version))) == []


def test_an_eviction_policy_without_a_limit_of_memory_is_a_warning() -> None:
    found = bad(facts(redis=replace(GOOD_REDIS, policy="allkeys-lru", memory_maximum_bytes=0)))
    assert {finding.level for finding in found} == {"warn"}


@pytest.mark.parametrize(
    "keys, check, fix",
    [
        (
            KeyFacts(fault="/k: mode 0644; take them away with chmod 600", named=("/k",)),
            "keys.file",
            "chmod 600 /k",
        ),
        (KeyFacts(fault="/k: cannot be read", named=("/k",)), "keys.file", "notify keys generate"),
        (KeyFacts(needed={"a.client_secret": "k1"}), "keys.file", "NOTIFY_KEY_FILE"),
        (
            KeyFacts(
                named=("/k",),
                keys=frozenset({"k1"}),
                needed={"primary_sms.client_secret": "k1"},
                closed={"primary_sms.client_secret": "key k9 is missing"},
            ),
            "keys.secret",
            "notify options set primary_sms.client_secret=",
        ),
    ],
)
def test_a_key_that_is_missing_or_wrong_is_an_error(keys: KeyFacts, check: str, fix: str) -> None:
    finding = only(facts(keys=keys))
    assert (finding.check, finding.level) == (check, "error")
    assert fix in finding.fix


def test_a_worker_that_cannot_open_what_is_set_is_an_error() -> None:
    keys = KeyFacts(named=("/k",), keys=frozenset({"k2"}), needed={"primary_email.client_secret": "k2"})
    lacking = only(facts(keys=keys))
    assert "lacks the key k2" in lacking.what
    assert "with no restart" in lacking.fix
    blind = FleetMember("w@host", NOW_MS, msgspec.structs.replace(LIFE, keys=None))
    without = only(facts(keys=keys, fleet=[blind]))
    assert "has no key file" in without.what
    assert "start it anew with NOTIFY_KEY_FILE" in without.fix


@pytest.mark.parametrize(
    "life, check, level",
    [
        ({"revision": 2}, "workers.revision", "error"),
        ({"lanes": ("high", "normal", "low")}, "workers.lanes", "error"),
        ({"busy": 16}, "workers.busy", "warn"),
        ({"clock_ahead_ms": -6_000}, "clocks", "warn"),
        ({"clock_ahead_ms": 301_000}, "clocks", "error"),
    ],
)
def test_what_a_worker_says_of_itself_is_judged(life: dict[str, Any], check: str, level: str) -> None:
    member = FleetMember("w@host", NOW_MS, msgspec.structs.replace(LIFE, **life))
    finding = only(facts(fleet=[member]))
    assert (finding.check, finding.level) == (check, level)


def test_a_worker_that_takes_no_work_says_why_and_leaves_its_queues_unserved() -> None:
    unfit = FleetMember("w@host", NOW_MS, msgspec.structs.replace(LIFE, lanes=(), unfit="no key file"))
    found = bad(facts(fleet=[unfit]))
    assert [finding.check for finding in found] == ["workers.unfit", *["workers.lanes"] * len(LANES)]
    assert found[0].what == "worker w@host takes no work: no key file"
    other = FleetMember("x@host", NOW_MS, LIFE)
    assert [finding.check for finding in bad(facts(fleet=[unfit, other]))] == ["workers.unfit"]


@pytest.mark.parametrize("days, level", [(31, "ok"), (30, "warn"), (0, "warn"), (-1, "error")])
def test_a_secret_that_expires_is_warned_of_before_and_an_error_after(days: int, level: str) -> None:
    today = datetime.fromtimestamp(NOW_MS / 1000, UTC).date()
    options: dict[str, Value] = {
        **WELL,
        "primary_email.notification_address": "alarms@corp.example",
        "primary_email.application_id": "00000000-0000-0000-0000-000000000001",
        "primary_email.client_secret": "enc:v1:k1:x",
        "primary_email.tenant_id": "00000000-0000-0000-0000-000000000002",
        "secret_expiry.primary_email_client_secret": (today + timedelta(days=days)).isoformat(),
    }
    found = [finding for finding in diagnose(facts(options)) if finding.check == "secrets.expiry"]
    assert [finding.level for finding in found] == [level]
    told = [finding for finding in diagnose(facts(options)) if "primary_email.client_secret" in finding.what]
    assert len(told) == (level != "ok"), "a secret is told of once"


def test_no_worker_at_all_is_an_error_with_the_command_that_starts_one() -> None:
    finding = only(facts(fleet=[]))
    assert (finding.check, finding.level) == ("workers.alive", "error")
    assert "celery -A workers worker" in finding.fix


def test_a_worker_that_vanished_is_a_warning() -> None:
    gone = FleetMember("x@host", NOW_MS - 180_000, None)
    finding = only(facts(fleet=[FleetMember("w@host", NOW_MS, LIFE), gone]))
    assert (finding.check, finding.level) == ("workers.gone", "warn")
    assert "x@host was last heard of 3 min ago" in finding.what


def test_a_revision_of_this_moment_is_not_held_against_a_worker() -> None:
    behind = FleetMember("w@host", NOW_MS, msgspec.structs.replace(LIFE, revision=2))
    assert bad(facts(fleet=[behind], saved_ms=NOW_MS - 5_000)) == []


def test_a_worker_of_an_older_version_that_tells_no_lanes_serves_all() -> None:
    assert bad(facts(fleet=[FleetMember("w@host", NOW_MS, msgspec.structs.replace(LIFE, lanes=()))])) == []


def test_the_clock_of_this_host_is_judged_too() -> None:
    finding = only(facts(here_ahead_ms=20_000))
    assert finding.what == "the clock of this host is 20 s ahead of that of Redis"


@pytest.mark.parametrize(
    "broker, check, level, fix",
    [
        (BrokerFacts(fault="OperationalError"), "broker.reach", "error", "NOTIFY_BROKER_URL"),
        (BrokerFacts(stranded=4), "broker.stranded", "error", "RPOPLPUSH celery notify.normal"),
        (BrokerFacts(stranded=4, stranded_alone=False), "broker.stranded", "error", 'queue="notify.normal"'),
        (BrokerFacts(stranded=0, taken_by_others=2), "broker.foreign_consumer", "error", "active_queues"),
        (
            BrokerFacts(stranded=0, oldest_unacknowledged_ms=NOW_MS - 3_600_000),
            "broker.redelivery",
            "warn",
            "start a worker",
        ),
    ],
)
def test_what_lies_in_the_broker_wrongly_is_found(
    broker: BrokerFacts, check: str, level: str, fix: str
) -> None:
    finding = only(facts(broker=broker))
    assert (finding.check, finding.level) == (check, level)
    assert fix in finding.fix


QUORUM = dict.fromkeys(QUEUE_OF_LANE.values(), 1)


@pytest.mark.parametrize(
    "rabbitmq, check, level, words",
    [
        (RabbitMQFacts("3.9.1", consumers=QUORUM), "broker.version", "error", "RabbitMQ 3.9.1 is too old"),
        (
            RabbitMQFacts("3.10.8", other_kind=("notify.low",), consumers=QUORUM),
            "broker.queues",
            "error",
            "notify.low is no quorum queue",
        ),
        (RabbitMQFacts("3.10.8", consumers=QUORUM, unread=3), "broker.stranded", "warn", "3 messages lie in"),
        (
            RabbitMQFacts("3.10.8", consumers={**QUORUM, "notify.normal": 2}),
            "broker.foreign_consumer",
            "warn",
            "notify.normal has 2 consumers, and 1 of our workers serve it",
        ),
    ],
)
def test_what_is_wrong_with_rabbitmq_is_found(
    rabbitmq: RabbitMQFacts, check: str, level: str, words: str
) -> None:
    finding = only(facts(broker=BrokerFacts(rabbitmq=rabbitmq)))
    assert (finding.check, finding.level) == (check, level)
    assert words in finding.what
    assert finding.why
    assert finding.fix


@pytest.mark.parametrize("version", ["3.10.8", "4.1.0", ""])
def test_a_rabbitmq_that_is_well_is_said_to_be(version: str) -> None:
    found = facts(broker=BrokerFacts(rabbitmq=RabbitMQFacts(version, consumers=QUORUM)))
    assert bad(found) == []
    (told,) = (each for each in diagnose(found) if each.check == "broker.version")
    assert ("20 deliveries" in told.what) == (version == "4.1.0")


@pytest.mark.parametrize(
    "replicas, least, level, words",
    [
        (0, 0, "error", "no replica follows"),
        (2, 0, "warn", "2 replicas follow, and the primary takes writes without them"),
        (1, 1, "ok", "1 replica follows; a failover may lose the last moment"),
        (2, None, "ok", "2 replicas follow; a failover may lose"),
    ],
)
def test_behind_sentinels_the_replicas_are_looked_at(
    replicas: int, least: int | None, level: str, words: str
) -> None:
    known = replace(GOOD_REDIS, by_sentinels=True, replicas=replicas, least_replicas=least)
    (finding,) = (each for each in diagnose(facts(redis=known)) if each.check == "redis.failover")
    assert finding.level == level
    assert words in finding.what
    alone = facts(redis=replace(known, by_sentinels=False))
    assert bad(alone) == []


def test_a_broker_that_is_no_redis_is_not_looked_into() -> None:
    assert bad(facts(broker=BrokerFacts())) == []


def test_the_primary_passed_over_is_a_warning_and_all_of_them_an_error() -> None:
    primary, secondary = state("primary_email"), state("secondary_email")
    found = {finding.check: finding for finding in bad(facts(states=(primary,)))}
    assert found["servers.primary_email"].level == "warn"
    assert "e-mails go by Secondary Email: Primary Email is not used now" in found["servers.email"].what
    assert "notify server test primary_email" in found["servers.primary_email"].fix
    every = bad(facts(states=(primary, secondary)))
    assert {finding.check for finding in every if finding.level == "error"} == {
        "servers.email",
        "servers.text",
    }


def test_a_paused_server_names_who_and_how_to_end_it() -> None:
    paused = state("primary_email", "paused", paused_by="anna", reason="moved")
    found = {finding.check: finding for finding in bad(facts(states=(paused,)))}
    assert found["servers.primary_email"].what == "Primary Email is paused by anna: moved"
    assert "notify server resume primary_email" in found["servers.primary_email"].fix


def test_a_failed_last_test_counts_only_for_the_server_as_it_is_now() -> None:
    server = server_of(snapshot(), "primary_email")
    assert server is not None
    for fingerprint, expected in ((server.fingerprint, ["servers.primary_email.test"]), ("other", [])):
        last = LastTest("t", NOW_MS, "me", "w", fingerprint, ok=False, stage="auth", reason="no")
        servers = server_statuses(snapshot(), (), {"primary_email": last})
        assert [finding.check for finding in bad(facts(servers=servers))] == expected


@pytest.mark.parametrize(
    "ledger, check, level",
    [
        (LedgerFacts(overdue=5, oldest_due_ms=NOW_MS - 61_000), "messages.backlog", "warn"),
        (LedgerFacts(overdue=5, oldest_due_ms=NOW_MS - 601_000), "messages.backlog", "error"),
        (LedgerFacts(held=1), "messages.held", "warn"),
        (LedgerFacts(dead_lately={"expired": 2}), "messages.dead", "warn"),
        (LedgerFacts(gateways={"txt.att.net": 3}), "options.carrier_gateway", "warn"),
    ],
)
def test_messages_that_do_not_move_are_found(ledger: LedgerFacts, check: str, level: str) -> None:
    finding = only(facts(ledger=ledger))
    assert (finding.check, finding.level) == (check, level)


def test_what_is_due_for_a_moment_is_no_backlog() -> None:
    assert bad(facts(ledger=LedgerFacts(overdue=900, oldest_due_ms=NOW_MS - 5_000))) == []


def test_a_part_that_cannot_be_read_is_an_error_and_hides_no_other() -> None:
    found = bad(facts(redis=None, servers=None, channels=(), unread={"Redis": "NoPermissionError"}))
    assert [(finding.check, finding.level) for finding in found] == [("unread.Redis", "error")]


def test_each_gateway_that_ended_says_when() -> None:
    for domain, words in ENDED.items():
        finding = only(facts(ledger=LedgerFacts(gateways={domain: 1})))
        assert words in finding.why
