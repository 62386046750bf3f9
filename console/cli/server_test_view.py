"""A test of servers for a person at a terminal: a line for each stage as soon as it is over."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any, Final

from console.cli.cell_text import padded, shown, wrapped
from console.cli.output import say
from console.cli.relative_time import duration
from console.cli.screen import Colour, Screen
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
_MARKS: Final[dict[str, tuple[str, Colour]]] = {
    "ok": ("✓", "green"),
    "failed": ("✗", "red"),
    "not_reached": ("·", "dim"),
}
_TLS: Final = {"none": "no TLS", "starttls": "STARTTLS", "implicit": "TLS"}
_SIGN_IN: Final = {"none": "no sign-in", "basic": "sign-in by password", "oauth": "sign-in by token"}
_OVER: Final = frozenset(_MARKS)
_INDENT: Final = "      "
_CLEAR_LINE: Final = "\r\x1b[K"
_NAME_COLUMNS: Final = max(map(len, _STAGES.values()))
_TIME_COLUMNS: Final = 7


class LiveView:
    """Prints what is new in a report each time it is shown.

    Args:
        screen: Where to.
        quiet: Print nothing.
    """

    def __init__(self, screen: Screen, *, quiet: bool) -> None:
        self._screen = screen
        self._quiet = quiet
        self._printed = 0
        self._running = ""

    def show(self, report: TestReport) -> None:
        """Print the lines that were not printed before, and on a terminal what is being done now."""
        if self._quiet:
            return
        lines = list(test_lines(report, self._screen))
        running = _running(report)
        if len(lines) == self._printed and running == self._running:
            return
        if self._running:
            self._write(_CLEAR_LINE)
        for line in lines[self._printed :]:
            say(line)
        self._printed = len(lines)
        self._running = running if self._screen.is_terminal else ""
        if self._running:
            self._write(f"  {self._screen.paint(self._running, 'dim')}")

    @staticmethod
    def _write(text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()


def test_lines(report: TestReport, screen: Screen) -> Iterator[str]:
    """Everything that is certain so far."""
    if not report.worker:
        return
    tried = f", {len(report.overrides)} options not saved" if report.overrides else ""
    yield f"on worker {shown(report.worker)}, revision {_revision(report)}{tried}"
    for server in report.servers:
        where = f"{shown(server.host)}:{server.port}, {_TLS[server.tls]}, {_SIGN_IN[server.sign_in]}"
        yield ""
        yield f"{screen.paint(GROUPS[server.server], 'bold')}  {where}"
        for stage in server.stages:
            if stage.outcome not in _OVER:
                return
            yield from _stage_lines(stage, screen)
        if server.ok is None:
            return
        yield _verdict(server, screen)


# It is no test, whatever its name looks like to pytest.
test_lines.__test__ = False  # type: ignore[attr-defined]


def _revision(report: TestReport) -> str:
    return "?" if report.revision is None else str(report.revision)


def _running(report: TestReport) -> str:
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
    mark, colour = _MARKS[stage.outcome]
    name = padded(_STAGES[stage.stage], _NAME_COLUMNS)
    if stage.outcome == "not_reached":
        yield f"  {screen.paint(mark, colour)} {screen.paint(name.rstrip(), 'dim')}"
        return
    time = padded(duration((stage.seconds or 0.0) * 1000), _TIME_COLUMNS)
    reply = " ".join(str(part) for part in (stage.code, stage.enhanced) if part)
    yield f"  {screen.paint(mark, colour)} {name}  {time}  {reply}".rstrip()
    if stage.reason:
        yield from _block(stage.reason, screen, "red")
    if stage.text and stage.outcome == "failed":
        yield from _block(f"it said: {stage.text}", screen, "dim")
    for fact in _facts(stage.facts):
        yield from _block(fact, screen, "dim")
    for sentence in stage.advice:
        yield from _block(f"→ {sentence}", screen, "yellow")


def _block(text: str, screen: Screen, colour: Colour) -> Iterator[str]:
    for line in wrapped(shown(text), screen.columns - len(_INDENT)):
        yield f"{_INDENT}{screen.paint(line, colour)}"


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
