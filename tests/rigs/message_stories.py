"""Notifications with a past, for tests of what is shown of them."""

from __future__ import annotations

from tests.rigs.notifications import email
from tests.rigs.told_ledger import ToldLedger

#: Names of an attempt in JSON, in their order.
ATTEMPT = ["at", "pass", "server", "stage", "verdict", "code", "enhanced", "text", "recipients", "revision"]
ATTEMPT += ["seconds", "next_at"]


def failed_over(told: ToldLedger) -> str:
    """Pass 1: the primary is down, the secondary throttles. Pass 2: two of three get it, one is refused."""
    notification_id = told.accept(
        email(
            id="payroll-7",
            to=["ops@example.com", "oncall@example.com"],
            bcc=["gone@example.com"],
            subject="Payroll failed on prod1",
            priority="high",
        )
    )
    told.clock.advance(0.4)
    claim = told.claim(notification_id)
    everybody = {"indexes": [0, 1, 2]}
    down = told.entry(
        "primary_email",
        "server_down",
        stage="connect",
        reason="the server refuses connections",
        seconds=0.012,
        **everybody,
    )
    told.clock.advance(0.3)
    throttled = told.entry(
        "secondary_email",
        "throttled",
        stage="mail",
        code=451,
        enhanced="4.7.500",
        text="Server busy. Please try again later from [192.0.2.17].",
        reason="the server asks to come back later",
        seconds=1.4,
        next_at=told.clock.now_ms + 15_000,
        **everybody,
    )
    told.finish(
        claim,
        {},
        [down, throttled],
        reason="primary_email: the server refuses connections; secondary_email: asked for patience",
        wait_seconds=15,
    )
    return notification_id


def passed_over(told: ToldLedger) -> str:
    """The primary is left alone, and the secondary takes it."""
    notification_id = told.accept(email(id="alone-1", subject="Payroll failed"))
    claim = told.claim(notification_id)
    barred = told.entry("primary_email", "passed_over", reason="the server refuses connections", stage=None)
    del barred["stage"], barred["rule"], barred["seconds"]
    sent = told.entry("secondary_email", "delivered", code=250, text="queued", reason="the server took it")
    told.finish(claim, {0: "d"}, [barred, sent], reason="by secondary_email (primary_email: passed over)")
    return notification_id


def second_pass(told: ToldLedger, notification_id: str) -> None:
    told.clock.advance(16)
    told.ledger.sweep("high", room=1)
    claim = told.claim(notification_id)
    refused = told.entry(
        "primary_email",
        "recipient_refused",
        **{"pass": 2},
        stage="rcpt",
        code=550,
        enhanced="5.1.1",
        text="<gone@example.com>: Recipient address rejected: User unknown in virtual mailbox table",
        reason="the server refused this recipient",
        indexes=[2],
    )
    took = told.entry(
        "primary_email",
        "delivered",
        **{"pass": 2},
        code=250,
        enhanced="2.0.0",
        text="Ok: queued as 4F1A2\x1b[2J",
        reason="the server took it",
        indexes=[0, 1],
        seconds=3.2,
    )
    told.finish(claim, {0: "d", 1: "d", 2: "r"}, [refused, took], reason="by primary_email")
