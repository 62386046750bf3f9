"""Tells tally and log what came of an attempt."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from settings_store.logs import EventLog
from tasks.delivery.pass_state import PassState
from tasks.tally import Tally
from tasks.verdict import Verdict

_log = EventLog(__name__)


def count_entries(tally: Tally, state: PassState, entries: Iterable[Mapping[str, Any]]) -> None:
    """Count the entries that an attempt leaves in the timeline, and write them down."""
    for entry in entries:
        _write(entry)
        tally.attempted(entry["server"], entry["stage"], entry["verdict"])
        if entry["verdict"] == Verdict.DELIVERED.value:
            tally.delivered(state.claim.channel, max(0, state.now_ms() - _ready_ms(state)) / 1000)


def _write(entry: Mapping[str, Any]) -> None:
    """One line; what the server said stays in the timeline, because it quotes addresses."""
    is_delivered = entry["verdict"] == Verdict.DELIVERED.value
    (_log.info if is_delivered else _log.warning)(
        "attempt",
        server=entry["server"],
        stage=entry["stage"],
        verdict=entry["verdict"],
        code=entry["code"],
        enhanced=entry["enhanced"],
        reason=None if is_delivered else entry["reason"],
        recipients=len(entry["indexes"]),
        seconds=entry["seconds"],
        revision=entry["revision"],
    )


def _ready_ms(state: PassState) -> int:
    """When the notification could first be sent."""
    not_before = state.notification.not_before
    return max(state.claim.accepted_at_ms, int(not_before.timestamp() * 1000) if not_before else 0)
