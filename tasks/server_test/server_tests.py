"""Tests as whoever asks for them sees them: start one, read how it goes, take it back."""

from __future__ import annotations

import uuid
from typing import Final

import kombu.exceptions
import redis

from settings_store.audit import Audit
from settings_store.store import SettingsStore
from tasks.bells import Bells
from tasks.fleet import Fleet
from tasks.ledger import LANES
from tasks.routing import server_of
from tasks.server_test.draft import CHAIN, Draft, checked, laid_over, sealed
from tasks.server_test.errors import InvalidDraft, TestNotTaken
from tasks.server_test.report import LastTest, TestReport
from tasks.server_test.storage import DRAFT_LIFETIME_SECONDS, Storage

#: A worker takes a test within milliseconds; one that did not for so long will not soon.
ANSWER_WITHIN_SECONDS: Final = 10.0
#: More than the longest wait for a server that the options allow (`timeouts.final_reply_seconds`).
LONGEST_STEP_SECONDS: Final = 900


class ServerTests:
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
        self._store = store
        self._bells = bells
        self._fleet = Fleet(client, prefix=prefix)
        self._storage = Storage(client, prefix)
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
        self._storage.write(
            TestReport(
                id=test_id,
                target=draft.target,
                by=draft.by,
                asked_at_ms=self._storage.now_ms(),
                overrides=sorted(draft.overrides),
            )
        )
        self._storage.put_draft(test_id, sealed(draft, test_id, self._store.cipher))
        try:
            self._bells.ask_test(test_id)
        except (kombu.exceptions.OperationalError, OSError) as error:
            self.withdraw(test_id)
            raise TestNotTaken(
                f"the broker does not take the test ({type(error).__name__}), so no worker can make it"
            ) from None
        self._audit.record(
            draft.by,
            "server.test",
            draft.target,
            detail={"test": test_id, "overrides": sorted(draft.overrides), "send": draft.send},
            source=draft.source,
        )
        return test_id

    def read(self, test_id: str) -> TestReport | None:
        """How a test stands; None where there is none of that id (any more)."""
        report = self._storage.read(test_id)
        if report is None:
            return None
        if report.state == "waiting":
            age_ms = self._storage.now_ms() - report.asked_at_ms
            report.state = "unanswered" if age_ms > DRAFT_LIFETIME_SECONDS * 1000 else "waiting"
        elif report.state == "running" and self._is_lost(report):
            # It may have been done since it was read: its last word counts.
            report = self._storage.read(test_id) or report
            report.state = "lost" if report.state == "running" else report.state
        return report

    def _is_lost(self, report: TestReport) -> bool:
        """Whether nothing more will be told: the worker is gone, or silent for longer than any step takes."""
        silent_ms = self._storage.now_ms() - (report.told_at_ms or report.asked_at_ms)
        return silent_ms > LONGEST_STEP_SECONDS * 1000 or not self._fleet.is_alive(report.worker)

    def withdraw(self, test_id: str) -> bool:
        """Take a test back that no worker took; False where one did."""
        return self._storage.take_draft(test_id) is not None

    def why_unanswered(self) -> str:
        """Why no worker takes a test, as far as their signs of life tell."""
        alive = self._fleet.alive()
        if not alive:
            return "no worker is alive"
        unfit = next((each.life.unfit for each in alive if each.life and each.life.unfit), "")
        serving = [each.life for each in alive if each.life and LANES[0] in each.life.serves]
        queue = f"notify.{LANES[0]}"
        if not serving:
            return f"no worker serves the queue {queue}{f' ({unfit})' if unfit else ''}"
        if all(life.busy >= life.slots for life in serving):
            return f"every slot of every worker is busy ({len(serving)} alive)"
        return f"workers are alive with slots free, and took nothing from the queue {queue}"

    def last(self) -> dict[str, LastTest]:
        """The last test of each server, by name."""
        return self._storage.read_last()
