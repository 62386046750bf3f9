"""The facts of an installation that is well, and of one where something is not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import click

from console.cli.main import root
from console.doctor import Facts, Finding, diagnose
from console.doctor.facts import BrokerFacts, KeyFacts, LedgerFacts, RedisFacts
from settings_store.catalog import ALL_OPTIONS
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
    """What is not well; whatever it says to type, there is."""
    findings = [finding for finding in diagnose(found) if finding.level != "ok"]
    for finding in findings:
        for typed in re.findall("`notify ([^`]+)`", finding.fix):
            is_there(typed.split())
    return findings


def is_there(words: list[str]) -> None:
    """Fail where a command, or an option of ours that it sets, is not there."""
    command: click.Command | None = root
    while isinstance(command, click.Group):
        command = command.get_command(click.Context(command), words.pop(0))
    assert command is not None, words
    assert {word.partition("=")[0] for word in words if "=" in word} <= ALL_OPTIONS.keys(), words


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
