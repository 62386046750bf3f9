"""Servers and their tests as JSON with stable names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from console.presenting.live_test_json import progress
from console.presenting.relative_time import rfc3339
from settings_store.catalog import GROUPS
from tasks.fallback import Standing
from tasks.server import Basic, Server
from tasks.server_status import ServerStatus
from tasks.server_test import LastTest, ServerReport, StageReport, TestReport


def listed(statuses: Sequence[ServerStatus], channels: Sequence[Standing], revision: int) -> dict[str, Any]:
    """The servers, and how each channel stands, with the revision at which they are set so."""
    return {
        "revision": revision,
        "channels": {
            each.channel: {
                "condition": each.condition,
                "carrier": each.carrier,
                "reason": each.reason or None,
            }
            for each in channels
        },
        "servers": [_status(status) for status in statuses],
    }


def test(report: TestReport) -> dict[str, Any]:
    """A test with every stage."""
    return {
        **progress(report),
        "target": report.target,
        "overrides": report.overrides,
        "servers": [_server_report(each) for each in report.servers],
    }


def sign_in_kind(server: Server) -> str:
    """How to sign in: none, basic or oauth."""
    if server.sign_in is None:
        return "none"
    return "basic" if isinstance(server.sign_in, Basic) else "oauth"


def _status(status: ServerStatus) -> dict[str, Any]:
    server, state = status.server, status.state
    return {
        "name": status.name,
        "label": GROUPS[status.name],
        "configured": server is not None,
        "host": server.host if server else None,
        "port": server.port if server else None,
        "tls": server.tls.value if server else None,
        "sign_in": sign_in_kind(server) if server else None,
        "sender": server.sender if server else None,
        "places": dict(status.places),
        "same_as": status.same_as,
        "state": state.state if state else ("closed" if server else None),
        "since": rfc3339(state.since_ms) if state else None,
        "reason": (state.reason or None) if state else None,
        "failures": state.failures if state else 0,
        "next_probe_at": rfc3339(state.next_probe_ms) if state else None,
        "last_success_at": rfc3339(state.last_success_ms) if state else None,
        "last_failure_at": rfc3339(state.last_failure_ms) if state else None,
        "last_failure_reason": (state.last_failure_reason or None) if state else None,
        "paused_by": (state.paused_by or None) if state else None,
        "paused_until": rfc3339(state.paused_until_ms) if state else None,
        "limits": {
            "messages_per_minute": status.messages_per_minute,
            "connections": status.connections,
            "used": {
                "messages": status.usage.messages,
                "messages_waiting": status.usage.messages_waiting,
                "connections": status.usage.connections,
                "workers_waiting": status.usage.workers_waiting,
            },
        },
        "last_test": _last(status.last_test, as_it_is=status.tested_as_it_is),
    }


def _last(last: LastTest | None, *, as_it_is: bool) -> dict[str, Any] | None:
    if last is None:
        return None
    return {
        "id": last.id,
        "at": rfc3339(last.at_ms),
        "by": last.by,
        "worker": last.worker,
        "ok": last.ok,
        "stage": last.stage or None,
        "code": last.code,
        "enhanced": last.enhanced,
        "reason": last.reason or None,
        "as_it_is": as_it_is,
    }


def _server_report(report: ServerReport) -> dict[str, Any]:
    return {
        "server": report.server,
        "host": report.host,
        "port": report.port,
        "tls": report.tls,
        "sign_in": report.sign_in,
        "ok": report.ok,
        "stages": [_stage(stage) for stage in report.stages],
    }


def _stage(stage: StageReport) -> dict[str, Any]:
    return {
        "stage": stage.stage,
        "outcome": stage.outcome,
        "seconds": stage.seconds,
        "code": stage.code,
        "enhanced": stage.enhanced,
        "text": stage.text,
        "verdict": stage.verdict,
        "reason": stage.reason,
        "advice": stage.advice,
        "facts": stage.facts,
    }
