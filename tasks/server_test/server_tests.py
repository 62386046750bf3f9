"""Tests of servers as whoever asks for them sees them: start one, and look at the last of each."""

from __future__ import annotations

import uuid

import redis

from settings_store.audit import Audit
from settings_store.store import SettingsStore
from tasks.bells import Bells
from tasks.fleet import Fleet
from tasks.live_test.asking import Asking
from tasks.live_test.errors import InvalidDraft
from tasks.live_test.sealing import sealed
from tasks.routing import server_of
from tasks.server_test.draft import CHAIN, Draft, bound_to, checked, laid_over
from tasks.server_test.report import LastTest, TestReport
from tasks.server_test.storage import Storage


class ServerTests(Asking[TestReport]):
    """Asks workers for tests. Every method raises `redis.RedisError` where Redis does not answer.

    Args:
        client: From `settings_store.redis_client.connect`.
        store: The options; with keys where secrets are among the overrides.
        bells: Tells the workers.
        prefix: First part of every key.
    """

    def __init__(
        self, client: redis.Redis, store: SettingsStore, bells: Bells, *, prefix: str = "notify"
    ) -> None:
        self._storage = Storage(client, prefix)
        super().__init__(self._storage, Fleet(client, prefix=prefix))
        self._store = store
        self._bells = bells
        self._audit = Audit(client, prefix=prefix)

    def start(self, draft: Draft) -> str:
        """Ask for a test; the id under which `read` tells how it goes.

        Raises:
            InvalidDraft: The draft cannot be tested.
            settings_store.errors.InvalidOption: An override is not allowed.
            settings_store.errors.SecretFault: A secret among the overrides can be neither opened nor sealed.
            TestNotTaken: The broker does not take it.
        """
        saved = self._store.snapshot()
        draft = checked(draft, saved)
        if draft.target != CHAIN and server_of(laid_over(draft, saved), draft.target) is None:
            raise InvalidDraft(
                f"target: {draft.target}.server_name is blank; allowed: a server that has a name"
            )
        test_id = str(uuid.uuid4())
        report = TestReport(
            id=test_id,
            target=draft.target,
            by=draft.by,
            asked_at_ms=self._storage.now_ms(),
            overrides=sorted(draft.overrides),
        )
        kept = sealed(draft, bound_to(test_id), self._store.cipher)
        self._ask(report, kept, lambda: self._bells.ask_test(test_id))
        self._audit.record(
            draft.by,
            "server.test",
            draft.target,
            detail={"test": test_id, "overrides": sorted(draft.overrides), "send": draft.send},
            source=draft.source,
        )
        return test_id

    def last(self) -> dict[str, LastTest]:
        """The last test of each server, by name."""
        return self._storage.read_last()
