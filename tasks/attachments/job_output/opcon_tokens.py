"""Tokens of the scheduler's API: one sign-in for all threads of a process."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from tasks.attachments.job_output.opcon_settings import OpConSettings
from tasks.attachments.job_output.provider import SchedulerFault
from tasks.attachments.source import Fault

#: Who finds another thread signing in waits for it no longer than one request takes.
SIGN_IN_WAIT_SECONDS: Final = 15.0


class Tokens:
    """Keeps the token of each account; safe between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tokens: dict[str, str] = {}

    def get(self, settings: OpConSettings, sign_in: Callable[[], str], *, instead_of: str = "") -> str:
        """A token that was not refused yet.

        Args:
            settings: Whose.
            sign_in: Gets a new one, or raises a `SchedulerFault`.
            instead_of: A token that the scheduler takes no more; blank = none.

        Raises:
            SchedulerFault: The sign-in is refused, or takes too long.
        """
        account = settings.account
        if not self._lock.acquire(timeout=SIGN_IN_WAIT_SECONDS):
            words = "another sign-in to the scheduler takes too long"
            raise SchedulerFault(Fault.LATE, words, is_passing=True)
        try:
            token = self._tokens.get(account, "")
            if token and token != instead_of:
                return token
            self._tokens.pop(account, None)
            self._tokens[account] = token = sign_in()
            return token
        finally:
            self._lock.release()
