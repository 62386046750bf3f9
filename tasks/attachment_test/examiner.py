"""A worker's side of a test: take the draft, fetch what it names, keep the report after every step."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import redis

from settings_store.store import SettingsStore
from tasks.attachment_test.draft import Draft, bound_to
from tasks.attachment_test.examination import Means, examine
from tasks.attachment_test.report import AttachmentReport
from tasks.attachments.unc.sign_in_guard import SignInGuard
from tasks.live_test.making import NOTHING_TO_TEST, Making
from tasks.live_test.sealing import opened
from tasks.live_test.storage import Storage

FAMILY: Final = "attachment_test"


class Examiner:
    """Makes the tests that were asked for.

    Args:
        client: From `settings_store.redis_client.connect`.
        store: The options, with this worker's keys.
        guard: Decides for all workers whether the account of the shares may be tried.
        pause: Waits so many seconds.
        stopping: Whether the worker is to end.
        prefix: First part of every key.
    """

    def __init__(
        self,
        client: redis.Redis,
        store: SettingsStore,
        *,
        guard: SignInGuard,
        pause: Callable[[float], None] = time.sleep,
        stopping: Callable[[], bool] = lambda: False,
        prefix: str = "notify",
    ) -> None:
        self._store = store
        storage = Storage(client, prefix, family=FAMILY, kind=AttachmentReport)
        self._means = Means(guard, storage.now_ms, pause, stopping)
        self._making = Making(storage, self._examine, is_well=_is_well)

    def make(self, test_id: str, *, worker: str) -> str:
        """Make a test if nobody did; what came of it, in words without a path.

        Raises:
            redis.RedisError: Redis did not answer when the draft was taken; nothing was tested.
        """
        report = self._making.make(test_id, worker=worker)
        if report is None:
            return NOTHING_TO_TEST
        failed = next((stage.stage for stage in report.stages if stage.outcome == "failed"), "")
        return "ok" if report.ok else f"{report.kind}: failed{f' at {failed}' if failed else ''}"

    def _examine(self, report: AttachmentReport, kept: str) -> None:
        saved = self._store.snapshot()
        draft = opened(kept, bound_to(report.id), saved.cipher, Draft)
        report.revision = saved.revision
        examine(draft, saved, report, self._means, lambda: self._making.keep(report))


def _is_well(report: AttachmentReport) -> bool:
    return bool(report.files) and all(file.ok for file in report.files)
