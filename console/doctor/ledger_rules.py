"""The notifications: whether they move, and what became of the last ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from console.doctor.facts import Facts, LedgerFacts
from console.doctor.finding import Finding

#: What is due is rung for within a second or two, and delivered in one more.
LATE_SECONDS: Final = 60
VERY_LATE_SECONDS: Final = 600
_SECOND_MS: Final = 1000


def ledger_findings(facts: Facts) -> Iterator[Finding]:
    """Backlog, held ones, dead letters."""
    known = facts.ledger
    if known is None:
        return
    yield _backlog(known, facts.now_ms)
    if known.held:
        yield Finding(
            "messages.held",
            "warn",
            f"{known.held} notifications are held",
            "there is no server for them; they go out once the options change, or expire",
            "`notify route explain email` says what is missing",
        )
    if known.dead_lately:
        states = ", ".join(f"{count} {state}" for state, count in known.dead_lately.items())
        flags = " ".join(f"--state {state}" for state in known.dead_lately)
        yield Finding(
            "messages.dead",
            "warn",
            f"dead letters of the last 24 hours: {states}",
            "nobody tries them again by itself",
            f"`notify message list {flags} --since 24h`",
        )
    else:
        yield Finding("messages.dead", "ok", "no dead letter in the last 24 hours")


def _backlog(known: LedgerFacts, now_ms: int) -> Finding:
    check = "messages.backlog"
    late = (now_ms - known.oldest_due_ms) / _SECOND_MS if known.oldest_due_ms is not None else 0
    if late <= LATE_SECONDS:
        return Finding(check, "ok", "nothing waits longer than it should")
    return Finding(
        check,
        "error" if late > VERY_LATE_SECONDS else "warn",
        f"{known.overdue} notifications are overdue, the oldest for {late / 60:.0f} min",
        "alarms come late; those whose time is over are not sent at all",
        "start more workers, and see `notify server list` for servers that are slow or passed over",
    )
