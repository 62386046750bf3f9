"""From facts to findings: every rule, in the order in which an operator looks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from console.doctor.broker_rules import broker_findings
from console.doctor.facts import Facts
from console.doctor.finding import Finding
from console.doctor.key_rules import key_findings
from console.doctor.ledger_rules import ledger_findings
from console.doctor.option_rules import option_findings
from console.doctor.redis_rules import redis_findings
from console.doctor.secret_rules import secret_findings
from console.doctor.server_rules import server_findings
from console.doctor.worker_rules import worker_findings

_RULES: Final[tuple[Callable[[Facts], Iterator[Finding]], ...]] = (
    redis_findings,
    key_findings,
    secret_findings,
    worker_findings,
    broker_findings,
    option_findings,
    server_findings,
    ledger_findings,
)


def diagnose(facts: Facts) -> list[Finding]:
    """Every finding; pure."""
    unread = [
        Finding(
            f"unread.{part}",
            "error",
            f"{part} could not be looked at: {reason}",
            "what is wrong there stays hidden",
            "mend that first, then ask again",
        )
        for part, reason in facts.unread.items()
    ]
    return [*unread, *(finding for rules in _RULES for finding in rules(facts))]
