"""The facts of an installation that is well, and of one where something is not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from console.doctor import Facts, Finding, diagnose
from console.doctor.facts import BrokerFacts, KeyFacts, LedgerFacts, RedisFacts
from settings_store.kinds import Value
from settings_store.snapshot import Snapshot
from tasks.breaker import ServerState
from tasks.fleet import FleetMember, WorkerLife
from tasks.ledger import LANES
from tasks.routing import server_of
from tasks.server_status import server_statuses, standings

NOW_MS = 1_800_000_000_000
GOOD_REDIS = RedisFacts(
    version="7.0.15",
    append_only=True,
    append_fsync="always",
    policy="noeviction",
    memory_bytes=10 << 20,
    memory_maximum_bytes=100 << 20,
)
LIFE = WorkerLife(revision=3, slots=16, lanes=tuple(LANES), keys=("k1",))
WELL: dict[str, Value] = {
    "primary_email.server_name": "mail.example",
    "primary_email.server_port": 587,
    "primary_email.enable_ssl": True,
    "secondary_email.server_name": "backup.example",
}


def snapshot(values: Mapping[str, Value] = WELL) -> Snapshot:
    return Snapshot(3, dict(values))


def facts(options: Mapping[str, Value] = WELL, *, states: tuple[ServerState, ...] = (), **more: Any) -> Facts:
    """An installation that is well, but for what is named."""
    these = snapshot(options)
    well = Facts(
        now_ms=NOW_MS,
        redis=GOOD_REDIS,
        snapshot=these,
        saved_ms=NOW_MS - 60_000,
        keys=KeyFacts(),
        fleet=[FleetMember("w@host", NOW_MS, LIFE)],
        broker=BrokerFacts(waiting=dict.fromkeys(LANES, 0), stranded=0),
        servers=server_statuses(these, states, {}),
        channels=standings(these, states),
        ledger=LedgerFacts(),
    )
    return replace(well, **more)


def bad(found: Facts) -> list[Finding]:
    return [finding for finding in diagnose(found) if finding.level != "ok"]


def only(found: Facts) -> Finding:
    (finding,) = bad(found)
    return finding


def state(name: Any, how: Any = "open", options: Mapping[str, Value] = WELL, **more: Any) -> ServerState:
    server = server_of(snapshot(options), name)
    assert server is not None
    values: dict[str, Any] = {
        "since_ms": NOW_MS,
        "reason": "the server refuses connections",
        "failures": 3,
        "next_probe_ms": None,
        "last_success_ms": None,
        "last_failure_ms": None,
        "paused_by": "",
        "paused_until_ms": None,
    }
    return ServerState(name=name, fingerprint=server.fingerprint, state=how, **{**values, **more})
