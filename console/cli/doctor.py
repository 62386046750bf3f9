"""`notify doctor`: what is wrong here, why it matters, and the command that mends it."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final

import click
import redis

from console.cli.cell_text import shown, wrapped
from console.cli.context import client, environment
from console.cli.errors import FAILED, OK
from console.cli.faults import redis_fault
from console.cli.flags import as_json
from console.cli.output import say, say_json
from console.cli.screen import Colour, Screen
from console.doctor import Finding, Level, diagnose, gather, worst

_MARKS: Final[dict[Level, tuple[str, Colour]]] = {
    "ok": ("✓", "green"),
    "warn": ("!", "yellow"),
    "error": ("✗", "red"),
}
_INDENT: Final = "    "


@click.command("doctor")
@click.option("--strict", is_flag=True, help="Exit code 1 for warnings too.")
@as_json
def doctor(*, strict: bool, as_json: bool) -> None:
    """Look at Redis, keys, workers, broker, options, servers and messages.

    Each finding says what, why it matters, and what to type. Exit code 1 where there are errors.
    """
    findings = _findings()
    if as_json:
        say_json(findings_json(findings))
    else:
        for line in finding_lines(findings, Screen.of(sys.stdout)):
            say(line)
    failing = {"error", "warn"} if strict else {"error"}
    raise click.exceptions.Exit(FAILED if worst(findings) in failing else OK)


def findings_json(findings: Sequence[Finding]) -> dict[str, Any]:
    """All findings, and how many there are of each level."""
    counts = Counter(finding.level for finding in findings)
    return {
        "ok": not counts["error"],
        "errors": counts["error"],
        "warnings": counts["warn"],
        "findings": [
            {
                "check": finding.check,
                "level": finding.level,
                "what": finding.what,
                "why": finding.why or None,
                "fix": finding.fix or None,
            }
            for finding in findings
        ],
    }


def finding_lines(findings: Sequence[Finding], screen: Screen) -> Iterator[str]:
    """What is well in a line each, then warnings, then errors, which one reads first from below."""
    for level in ("ok", "warn", "error"):
        for finding in findings:
            if finding.level == level:
                yield from _lines(finding, screen)
    counts = Counter(finding.level for finding in findings)
    summary = f"{_count(counts['error'], 'error')}, {_count(counts['warn'], 'warning')}, {counts['ok']} well"
    colour = _MARKS[worst(findings)][1]
    yield ""
    yield screen.paint(summary, colour, "bold")


def _lines(finding: Finding, screen: Screen) -> Iterator[str]:
    mark, colour = _MARKS[finding.level]
    first, *more = wrapped(shown(finding.what), screen.columns - len(_INDENT))
    yield f"  {screen.paint(mark, colour)} {screen.paint(first, *_weight(finding))}"
    for line in more:
        yield f"{_INDENT}{screen.paint(line, *_weight(finding))}"
    for lead, text in (("", finding.why), ("→ ", finding.fix)):
        if text:
            for line in wrapped(f"{lead}{shown(text)}", screen.columns - len(_INDENT)):
                yield f"{_INDENT}{screen.paint(line, *(() if lead else ('dim',)))}"


def _weight(finding: Finding) -> tuple[Colour, ...]:
    return () if finding.level == "ok" else ("bold",)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _findings() -> list[Finding]:
    found = environment()
    connected = client(found)
    try:
        return diagnose(gather(found, connected))
    except redis.RedisError as error:
        fault = redis_fault(error)
        return [
            Finding(
                "redis.reach",
                "error",
                fault.message,
                "options and notifications are there: nothing is accepted or delivered without it",
                fault.hint,
            )
        ]
