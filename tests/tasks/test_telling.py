"""The one line that Flower and logs tell of a notification: a table."""

from __future__ import annotations

from typing import Any

import pytest

from tasks.ledger import State
from tasks.ledger.queries import Record
from tasks.telling import told


def entry(server: str, made_pass: int, verdict: str, stage: str = "rcpt", **more: Any) -> dict[str, Any]:
    return {
        "server": server,
        "pass": made_pass,
        "verdict": verdict,
        "stage": stage,
        "code": None,
        "enhanced": None,
        "text": "5.1.1 <somebody@private.example> is unknown",
        **more,
    }


@pytest.mark.parametrize(
    "state, reason, timeline, line",
    [
        ("queued", "", [], "queued"),
        ("held", "Primary Email server name is blank", [], "held: Primary Email server name is blank"),
        (
            "waiting",
            "a: the connection was lost",
            [entry("a", 1, "server_down", "greeting")],
            "waiting: a: the connection was lost [a greeting]",
        ),
        (
            "failed",
            "refused",
            [entry("a", 1, "recipient_refused", code=550, enhanced="5.1.1")],
            "failed: refused [a rcpt 550 5.1.1]",
        ),
        (
            "waiting",
            "both",
            [entry("a", 1, "server_down", "connect"), entry("b", 1, "throttled", "mail", code=451)],
            "waiting: both [a connect; b mail 451]",
        ),
        (
            "waiting",
            "the last pass counts",
            [entry("a", 1, "server_down", "connect"), entry("b", 2, "server_down", "tls")],
            "waiting: the last pass counts [b tls]",
        ),
        (
            "waiting",
            "of each server the last",
            [entry("a", 1, "recipient_waits", code=450), entry("a", 1, "message_waits", "data", code=451)],
            "waiting: of each server the last [a data 451]",
        ),
        (
            "partial",
            "by a",
            [entry("a", 1, "delivered", "final", code=250), entry("a", 1, "recipient_refused", code=550)],
            "partial: by a [a rcpt 550]",
        ),
        ("expired", "expired: in vain", [], "expired: in vain"),
        ("cancelled", "cancelled by revoke", [{"at": 1, "verdict": "cancelled"}], "cancelled by revoke"),
    ],
)
def test_what_is_told(state: State, reason: str, timeline: list[dict[str, Any]], line: str) -> None:
    record = Record(
        id="x",
        number=1,
        state=state,
        channel="email",
        lane="normal",
        reason=reason,
        accepted_at_ms=0,
        expires_at_ms=0,
        next_at_ms=None,
        finished_at_ms=None,
        passes=0,
        lapses=0,
        outcomes=("open",),
        content="{}",
        timeline=tuple(timeline),
    )
    assert told(record) == line
