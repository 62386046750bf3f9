"""A worker's side of a test: take the draft, have it made, keep the report after every step."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Final, Generic

import redis

from settings_store.errors import SecretFault, SettingsError
from settings_store.logs import EventLog
from tasks.live_test.storage import Report, Storage

#: What the task answers where there is nothing to test.
NOTHING_TO_TEST: Final = "taken or withdrawn before"

_log = EventLog(__name__)


class Making(Generic[Report]):
    """Makes tests of one family.

    Args:
        storage: Where they are kept.
        test: Makes one, given its report and the draft as it is kept; it tells by `keep`.
        is_well: Whether everything that was tested did well.
    """

    def __init__(
        self,
        storage: Storage[Report],
        test: Callable[[Report, str], None],
        *,
        is_well: Callable[[Report], bool],
    ) -> None:
        self._storage = storage
        self._test = test
        self._is_well = is_well

    def make(self, test_id: str, *, worker: str) -> Report | None:
        """Make a test if nobody did; its report, or None where it was taken or withdrawn before.

        Raises:
            redis.RedisError: Redis did not answer when the draft was taken; nothing was tested.
        """
        kept = self._storage.take_draft(test_id)
        report = self._storage.read(test_id)
        if kept is None or report is None:
            return None
        report.state, report.worker, report.began_at_ms = "running", worker, self._storage.now_ms()
        try:
            self.keep(report)
            self._test(report, kept)
        except SecretFault as fault:
            report.error = f"this worker cannot open the test: {fault}"
        except SettingsError as fault:
            report.error = f"this worker cannot use the options: {fault}"
        except Exception as error:
            # Whoever reads it must not wait for more. Its words may quote what it met.
            report.error = f"the test broke off ({type(error).__name__}); the worker's log says where"
            raise
        finally:
            self._finish(report)
        return report

    def keep(self, report: Report) -> None:
        """Write what is known so far; a Redis that is away then costs a look, and not the test."""
        try:
            report.told_at_ms = self._storage.now_ms()
            self._storage.write(report)
        except redis.RedisError as error:
            _log.warning("test_not_told", test=report.id, error=type(error).__name__)

    def _finish(self, report: Report) -> None:
        report.state = "done"
        report.ok = not report.error and self._is_well(report)
        with contextlib.suppress(redis.RedisError):
            report.finished_at_ms = self._storage.now_ms()
        self.keep(report)
