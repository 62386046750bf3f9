"""Tells a tally what came of an attempt."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tasks.delivery.pass_state import PassState
from tasks.tally import Tally
from tasks.verdict import Verdict


def count_entries(tally: Tally, state: PassState, entries: Iterable[Mapping[str, Any]]) -> None:
    """Count the entries that an attempt leaves in the timeline."""
    for entry in entries:
        tally.attempted(entry["server"], entry["stage"], entry["verdict"])
        if entry["verdict"] == Verdict.DELIVERED.value:
            tally.delivered(state.claim.channel, max(0, state.now_ms() - _ready_ms(state)) / 1000)


def _ready_ms(state: PassState) -> int:
    """When the notification could first be sent."""
    not_before = state.notification.not_before
    return max(state.claim.accepted_at_ms, int(not_before.timestamp() * 1000) if not_before else 0)
