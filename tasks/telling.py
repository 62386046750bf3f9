"""One line on where a notification stands, for who may see neither address nor reply: Flower and logs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tasks.ledger.queries import Record
from tasks.verdict import Verdict


def told(record: Record) -> str:
    """State and reason, then where the last pass came to grief: server, stage and reply code.

    For example `waiting: primary_email: the server is not ready [primary_email greeting 421]`.
    """
    line = record.reason
    if not line.startswith(record.state):
        line = f"{record.state}: {line}" if line else record.state
    steps = _troubles(record.timeline)
    return f"{line} [{'; '.join(steps)}]" if steps else line


def _troubles(timeline: Iterable[dict[str, Any]]) -> list[str]:
    """The last trouble with each server in the last pass."""
    attempts = [entry for entry in timeline if "server" in entry and "pass" in entry]
    last_pass = max((entry["pass"] for entry in attempts), default=0)
    steps: dict[str, str] = {}
    for entry in attempts:
        if entry["pass"] == last_pass and entry["verdict"] != Verdict.DELIVERED.value:
            parts = (entry["server"], entry.get("stage"), entry.get("code"), entry.get("enhanced"))
            steps[entry["server"]] = " ".join(str(part) for part in parts if part)
    return list(steps.values())
