"""Tokens of the scheduler's API: one sign-in for all threads of a process, and none again and again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from tasks.attachments.job_output.opcon_settings import OpConSettings
from tasks.attachments.job_output.provider import SchedulerFault
from tasks.attachments.source import Fault

#: After a sign-in was refused, it is not tried again for this long: repeated ones lock accounts.
REFUSED_SECONDS: Final = 300.0

#: Who finds another thread signing in waits for it no longer than one request takes.
SIGN_IN_WAIT_SECONDS: Final = 15.0


class Tokens:
    """Keeps the token of each account; safe between threads.

    Args:
        clock: Seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._tokens: dict[str, str] = {}
        self._refused_at: dict[str, float] = {}

    def get(self, settings: OpConSettings, sign_in: Callable[[], str], *, instead_of: str = "") -> str:
        """A token that was not refused yet.

        Args:
            settings: Whose.
            sign_in: Gets a new one; raises a `SchedulerFault` of kind `Fault.DENIED` where it is refused.
            instead_of: A token that the scheduler takes no more; blank = none.

        Raises:
            SchedulerFault: The sign-in is refused, or was a moment ago, or takes too long.
        """
        account = settings.account
        if not self._lock.acquire(timeout=SIGN_IN_WAIT_SECONDS):
            words = "another sign-in to the scheduler takes too long"
            raise SchedulerFault(Fault.LATE, words, is_passing=True)
        try:
            self._insist_on_patience(account)
            token = self._tokens.get(account, "")
            if token and token != instead_of:
                return token
            self._tokens.pop(account, None)
            try:
                token = self._tokens[account] = sign_in()
            except SchedulerFault as fault:
                if fault.kind is Fault.DENIED:
                    self._refused_at[account] = self._clock()
                raise
            return token
        finally:
            self._lock.release()

    def _insist_on_patience(self, account: str) -> None:
        refused_at = self._refused_at.get(account)
        if refused_at is None:
            return
        if self._clock() - refused_at < REFUSED_SECONDS:
            words = "the scheduler refused the sign-in (options jors.api_user and jors.api_password)"
            raise SchedulerFault(Fault.DENIED, f"{words}, and is not asked again for 5 min")
        del self._refused_at[account]
