"""The ledger as the commands about messages use it, and the message that somebody means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import redis

from console.cli.context import client, environment
from console.cli.errors import NothingMatched
from settings_store.audit import Audit
from settings_store.store import SettingsStore
from tasks.corrections import Corrections
from tasks.ledger import Ledger, LedgerQueries
from tasks.ledger.queries import Record
from tasks.notification_document import ID_MAX_CHARACTERS


@dataclass(frozen=True, slots=True)
class Desk:
    """What a command about messages needs.

    Attributes:
        now_ms: By the clock of Redis: relative times must not suffer from two clocks.
    """

    redis: redis.Redis
    prefix: str
    queries: LedgerQueries
    now_ms: int

    @property
    def corrections(self) -> Corrections:
        """Replays and cancels."""
        store = SettingsStore(self.redis, prefix=self.prefix)
        ledger = Ledger(self.redis, prefix=self.prefix, revision_key=store.revision_key)
        return Corrections(ledger, self.queries, store, Audit(self.redis, prefix=self.prefix))

    def found(self, id_or_number: str) -> Record:
        """The message of an id or a number.

        Raises:
            NothingMatched: There is none.
        """
        # People copy it from a message, where it stands as `ID=11355`.
        asked = id_or_number.strip()
        record = self.queries.find(asked.removeprefix("ID="))
        if record is None:
            raise unknown(asked)
        return record


def desk() -> Desk:
    """Connect to the ledger of this process' environment."""
    found = environment()
    connected = client(found)
    answer: Any = connected.time()
    return Desk(
        redis=connected,
        prefix=found.prefix,
        queries=LedgerQueries(connected, prefix=found.prefix),
        now_ms=answer[0] * 1000 + answer[1] // 1000,
    )


def unknown(asked: str) -> NothingMatched:
    """The error for a message that is not there."""
    return NothingMatched(
        f"{asked[:ID_MAX_CHARACTERS]}: there is no such notification, "
        "or it is forgotten after the history's days",
        "`notify message list` shows what there is",
    )
