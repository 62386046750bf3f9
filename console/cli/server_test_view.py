"""A test of servers in lines for a person, those that are certain so far."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from console.cli.cell_text import padded, shown
from console.cli.live_view import MARKS, block
from console.cli.screen import Screen
from console.presenting.relative_time import duration
from settings_store.catalog import GROUPS
from tasks.server_test import ServerReport, StageReport, TestReport

_STAGES: Final = {
    "resolve": "find the address",
    "connect": "connect",
    "greeting": "greeting",
    "ehlo": "EHLO",
    "tls": "TLS",
    "auth": "sign in",
    "mail": "MAIL (sender)",
    "rcpt": "RCPT (recipient)",
    "message": "send the message",
}
_TLS: Final = {"none": "no TLS", "starttls": "STARTTLS", "implicit": "TLS"}
_SIGN_IN: Final = {"none": "no sign-in", "basic": "sign-in by password", "oauth": "sign-in by token"}
_NAME_COLUMNS: Final = max(map(len, _STAGES.values()))
_TIME_COLUMNS: Final = 7


def test_lines(report: TestReport, screen: Screen) -> Iterator[str]:
    """Everything that is certain so far."""
    if not report.is_under_way:
        return
    tried = f", {len(report.overrides)} options not saved" if report.overrides else ""
    yield f"on worker {shown(report.worker)}, revision {_revision(report)}{tried}"
    for server in report.servers:
        where = f"{shown(server.host)}:{server.port}, {_TLS[server.tls]}, {_SIGN_IN[server.sign_in]}"
        yield ""
        yield f"{screen.paint(GROUPS[server.server], 'bold')}  {where}"
        for stage in server.stages:
            if stage.outcome not in MARKS:
                return
            yield from _stage_lines(stage, screen)
        if server.ok is None:
            return
        yield _verdict(server, screen)


# It is no test, whatever its name looks like to pytest.
test_lines.__test__ = False  # type: ignore[attr-defined]


def _revision(report: TestReport) -> str:
    return "?" if report.revision is None else str(report.revision)


def running(report: TestReport) -> str:
    """What is being done now; blank for nothing."""
    for server in report.servers:
        for stage in server.stages:
            if stage.outcome == "running":
                return f"… {_STAGES[stage.stage]}"
    return "" if report.worker else "… waiting for a worker"


def _verdict(server: ServerReport, screen: Screen) -> str:
    took = sum(stage.seconds or 0.0 for stage in server.stages)
    words = f"ok, {duration(took * 1000)}" if server.ok else "failed"
    return f"  {screen.paint(words, 'green' if server.ok else 'red', 'bold')}"


def _stage_lines(stage: StageReport, screen: Screen) -> Iterator[str]:
    mark, colour = MARKS[stage.outcome]
    name = padded(_STAGES[stage.stage], _NAME_COLUMNS)
    if stage.outcome == "not_reached":
        yield f"  {screen.paint(mark, colour)} {screen.paint(name.rstrip(), 'dim')}"
        return
    time = padded(duration((stage.seconds or 0.0) * 1000), _TIME_COLUMNS)
    reply = " ".join(str(part) for part in (stage.code, stage.enhanced) if part)
    yield f"  {screen.paint(mark, colour)} {name}  {time}  {reply}".rstrip()
    if stage.reason:
        yield from block(stage.reason, screen, "red")
    if stage.text and stage.outcome == "failed":
        yield from block(f"it said: {stage.text}", screen, "dim")
    for fact in _facts(stage.facts):
        yield from block(fact, screen, "dim")
    for sentence in stage.advice:
        yield from block(f"→ {sentence}", screen, "yellow")


def _facts(facts: dict[str, Any]) -> Iterator[str]:
    """What was learned, in words."""
    if "address" in facts:
        yield f"to {facts['address']}"
    if "protocol" in facts:
        yield f"{facts['protocol']}, {facts.get('cipher')}"
    if "subject" in facts:
        yield f"certificate of {', '.join(facts.get('names') or ()) or facts['subject'] or 'nobody'}"
        yield f"issued by {facts['issuer']}"
        begins, ends = facts["begins_at"][:10], facts["expires_at"][:10]
        yield f"valid from {begins} to {ends}, {_days(facts['days_left'])}"
    if "mechanism" in facts:
        yield f"by {facts['mechanism']}"
    if facts.get("largest_bytes"):
        yield f"takes messages of up to {facts['largest_bytes']:,} bytes"


def _days(left: int) -> str:
    return f"{left} days left" if left >= 0 else f"over for {-left} days"
