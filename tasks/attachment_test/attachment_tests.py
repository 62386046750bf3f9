"""Tests of attachments as whoever asks for them sees them."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

import redis

from settings_store.audit import Audit
from settings_store.store import SettingsStore
from tasks import broker
from tasks.attachment_test.draft import Draft, bound_to, checked
from tasks.attachment_test.examination import kind_of
from tasks.attachment_test.examiner import FAMILY
from tasks.attachment_test.report import AttachmentReport
from tasks.bells import Bells
from tasks.fleet import Fleet, WorkerLife
from tasks.ledger import LANES
from tasks.live_test.asking import Asking
from tasks.live_test.sealing import sealed
from tasks.live_test.storage import Storage


class AttachmentTests(Asking[AttachmentReport]):
    """Asks workers for tests. Every method raises `redis.RedisError` where Redis does not answer.

    Args:
        client: From `settings_store.redis_client.connect`.
        store: The options; with keys where drafts are to be sealed.
        bells: Tells the workers.
        prefix: First part of every key.
    """

    def __init__(
        self, client: redis.Redis, store: SettingsStore, bells: Bells, *, prefix: str = "notify"
    ) -> None:
        self._storage = Storage(client, prefix, family=FAMILY, kind=AttachmentReport)
        super().__init__(self._storage, Fleet(client, prefix=prefix))
        self._store = store
        self._bells = bells
        self._audit = Audit(client, prefix=prefix)

    def start(self, draft: Draft) -> str:
        """Ask for a test; the id under which `read` tells how it goes.

        Raises:
            InvalidDraft: The draft cannot be tested.
            TestNotTaken: The broker does not take it.
        """
        draft = checked(draft)
        test_id = str(uuid.uuid4())
        lane = lane_of(member.life for member in self._fleet.alive() if member.life)
        report = AttachmentReport(
            id=test_id,
            by=draft.by,
            asked_at_ms=self._storage.now_ms(),
            lane=lane,
            asked=draft.asked,
            kind=kind_of(draft),
        )
        kept = sealed(draft, bound_to(test_id), self._store.cipher)
        self._ask(report, kept, lambda: self._bells.ask_test(test_id, broker.TEST_ATTACHMENT_TASK, lane))
        self._audit.record(
            draft.by, "attachment.test", draft.asked, detail={"test": test_id}, source=draft.source
        )
        return test_id


def lane_of(lives: Iterable[WorkerLife]) -> str:
    """In whose queue a test is taken by a worker that fetches files, and soon.

    The first is served before all others, also while the share of the files is full of fetches that hang.
    Where workers serve it that fetch no files, or others fetch nothing else, it is that of the files.
    """
    first, files = LANES[0], "files"
    return first if all((first in life.serves) == (files in life.serves) for life in lives) else files
