"""What the spans of a delivery say: names of ours, numbers and verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from tasks import tracing
from tasks.broker import QUEUE_OF_LANE
from tasks.ledger import Claim
from tasks.tracing.tracer import Span
from tasks.verdict import Verdict


class _Told(Protocol):
    """What came of an attempt, as far as a span tells it."""

    @property
    def entries(self) -> Sequence[Mapping[str, Any]]: ...


def tell_pass(span: Span, claim: Claim) -> None:
    """Say of which notification a pass is."""
    if not tracing.is_on():
        return
    span.set(
        {
            "messaging.operation.type": "process",
            "messaging.operation.name": "deliver",
            "messaging.destination.name": QUEUE_OF_LANE[claim.lane],
            "messaging.message.id": claim.id,
            "notify.number": claim.number,
            "notify.channel": claim.channel,
            "notify.pass": claim.passes + 1,
        }
    )


def tell_attempt(span: Span, told: _Told) -> None:
    """Say what a server did; of several recipients the last that something was said of."""
    if not tracing.is_on():
        return
    for entry in told.entries[-1:]:
        span.set(
            {
                "notify.stage": entry["stage"],
                "notify.verdict": entry["verdict"],
                "smtp.response.status_code": entry["code"],
                "smtp.response.enhanced_status_code": entry["enhanced"],
                "notify.recipients": sum(len(each["indexes"]) for each in told.entries),
            }
        )
        if entry["verdict"] != Verdict.DELIVERED.value:
            span.fail(entry["reason"] or entry["verdict"])
