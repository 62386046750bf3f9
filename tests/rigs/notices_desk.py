"""Two servers for e-mail, one for texts, an operator, and as many workers as a test wants."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import redis

from settings_store.keyring import Keyring
from settings_store.store import SettingsStore
from tasks.breaker import Breaker
from tasks.ledger.queries import Record
from tasks.notices.backlog import Backlog
from tasks.notices.notices import Notices
from tasks.notices.outbox import Outbox
from tasks.notices.webhook import post
from tasks.notification import load
from tasks.routing import route
from tasks.verdict import Verdict
from tests.rigs.clock import TEST_CLOCK
from tests.rigs.notifications import email
from tests.rigs.told_ledger import ToldLedger

OPERATOR, PHONE = "operator@x.test", "4915112345@sms.test"


class Desk:
    """Two servers for e-mail, one for texts, an operator, and as many workers as a test wants."""

    def __init__(self, client: redis.Redis, keyring: Keyring) -> None:
        self.redis = client
        self.told = ToldLedger(client)
        self.clock = self.told.clock
        self.store = SettingsStore(client, keyring=keyring)
        self.breaker = Breaker(client, clock=TEST_CLOCK)
        self.set(
            primary_email__server_name="one.test",
            secondary_email__server_name="two.test",
            primary_sms__server_name="three.test",
            notices__email_to=OPERATOR,
            notices__text_to=PHONE,
            # No worker takes what is told here.
            notices__backlog_minutes=0,
        )
        self.one = self.worker()

    def set(self, **options: object) -> None:
        values = {name.replace("__", ".", 1): value for name, value in options.items()}
        self.store.change(values, author="test")

    def worker(self, posted: Callable[..., None] = post, ledger: Any = None) -> Notices:
        return Notices(
            Outbox(self.redis, clock=TEST_CLOCK, rest_ms=0),
            snapshot=self.store.snapshot,
            servers=self.breaker.servers,
            ledger=ledger or self.told.ledger,
            held=lambda: self.told.queries.counts()["held"],
            backlog=self.backlog,
            posted=posted,
        )

    def backlog(self) -> Backlog | None:
        since = self.told.queries.queued_since().get("low")
        return Backlog(self.told.queries.counts()["queued"], "low", since) if since else None

    def round(self, worker: Notices | None = None) -> None:
        (worker or self.one).round()

    def fail(self, server: str, verdict: Verdict = Verdict.SERVER_DOWN) -> None:
        """Open the breaker of one of the three."""
        self.clock.advance(0.001)
        for number in range(3):
            self.breaker.report(
                self.fingerprint(server), verdict, name=server, token=f"{server}{self.clock.now_ms}{number}",  # type: ignore[arg-type]
                began_ms=self.clock.now_ms, reason="the server refuses connections",
            )  # fmt: skip

    def heal(self, server: str) -> None:
        self.clock.advance(0.001)
        self.breaker.report(
            self.fingerprint(server), Verdict.DELIVERED, name=server, token=f"ok{self.clock.now_ms}",  # type: ignore[arg-type]
            began_ms=self.clock.now_ms,
        )  # fmt: skip

    def fingerprint(self, server: str) -> str:
        channel = "text" if "sms" in server else "email"
        chain = route(self.store.snapshot(), channel).chain  # type: ignore[arg-type]
        return next(hop.server.fingerprint for hop in chain if hop.server.name == server)

    def undelivered(self, count: int = 1, **fields: object) -> None:
        """Have so many end as failed."""
        for _ in range(count):
            claim = self.told.claim(self.told.accept(email(**fields)))
            self.told.finish(claim, {0: "r"}, [], reason="refused by all")

    def notices(self, channel: str = "email") -> list[Record]:
        """Every notice in the ledger, oldest first."""
        found = [self.told.record(each.id) for each in self.told.queries.page(limit=500).summaries]
        mine = [record for record in found if record.timeline and record.timeline[0]["verdict"] == "notice"]
        return sorted((each for each in mine if each.channel == channel), key=lambda each: each.number)

    def subjects(self) -> list[str]:
        return [load(record.content).subject for record in self.notices()]
