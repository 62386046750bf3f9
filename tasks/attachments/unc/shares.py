"""Opens files on network shares."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Final

import redis

from settings_store.errors import SettingsError
from settings_store.snapshot import Snapshot
from tasks.attachments.source import AttachmentFault, Fault, OpenFile
from tasks.attachments.steps import UNWATCHED, Step, Steps
from tasks.attachments.unc import share_path
from tasks.attachments.unc.access import Access
from tasks.attachments.unc.account import Account
from tasks.attachments.unc.budget import Budget
from tasks.attachments.unc.lock_patience import patiently
from tasks.attachments.unc.open_file import Opened, ShareFile
from tasks.attachments.unc.session_pool import IDLE_SECONDS, Lent, SessionPool
from tasks.attachments.unc.share_path import InvalidSharePath, SharePath
from tasks.attachments.unc.sign_in_guard import SignInGuard
from tasks.attachments.unc.watchdog import never

#: DFS links lead on to other links; more of them in a row go round in a circle.
LINKS_MAXIMUM: Final = 8


class Shares:
    """The network shares, as a source of attachments. One object a process; safe between threads and forks.

    Args:
        guard: Decides for all workers whether the account may be tried.
        idle_seconds: How long a session is kept unused.
        pause: Waits so many seconds.
        steps: Told of each step.
        stopping: Whether this process is to end, and a server is given a few seconds more alone.
    """

    def __init__(
        self,
        guard: SignInGuard,
        *,
        idle_seconds: float = IDLE_SECONDS,
        pause: Callable[[float], None] = time.sleep,
        steps: Steps = UNWATCHED,
        stopping: Callable[[], bool] = never,
    ) -> None:
        self._pool = SessionPool(guard, idle_seconds=idle_seconds, steps=steps, stopping=stopping)
        self._steps = steps
        self._pause = pause

    def open(self, path: str, options: Snapshot, *, seconds: float) -> OpenFile:
        """Open a file as the options say; see `open_by`."""
        return self.open_by(path, Access.of(options), seconds=seconds)

    def open_by(self, path: str, access: Access, *, seconds: float = float("inf")) -> OpenFile:
        r"""Open a file.

        Args:
            path: As a notification names it: `\\server\share\folder\file`.
            access: What the options say.
            seconds: What is left to open it in, where that is less than the option allows.

        Raises:
            AttachmentFault: It cannot be opened.
            settings_store.errors.SecretFault: The password cannot be opened here.
            redis.RedisError: Nobody could be asked whether the account may be tried.
        """
        with self._steps.step(Step.PATH, path):
            wanted = _parsed(path)

        def opened() -> Opened:
            budget = Budget(min(access.seconds, seconds), usual_seconds=access.seconds)
            return patiently(lambda: self._opened(wanted, access, budget, LINKS_MAXIMUM), budget, self._pause)

        def opened_again() -> Opened:
            try:
                return opened()
            except (redis.RedisError, SettingsError):
                # The mail is half way to its server: whoever reads expects a fault of the file.
                words = "it could not be opened a second time"
                raise AttachmentFault(Fault.UNREACHABLE, words, is_passing=True) from None

        return ShareFile(
            wanted.name,
            opened(),
            access.seconds,
            heard=self._heard,
            reopen=opened_again,
            give_back=self._give_back,
            pause=self._pause,
        )

    def close(self) -> None:
        """Close the sessions that are not in use."""
        self._pool.close()

    def _opened(self, path: SharePath, access: Access, budget: Budget, links: int) -> Opened:
        with self._steps.step(Step.ALLOWED, path.root):
            if refusal := access.allowed.refusal(path.host, path.share):
                raise AttachmentFault(Fault.NOT_ALLOWED, refusal)
            if not isinstance(access.account, Account):
                raise AttachmentFault(Fault.DENIED, str(access.account))
        found = self._found(path, access, access.account, budget)
        if isinstance(found, Opened):
            return found
        self._steps.referred(tuple(map(str, found)))
        if not links:
            raise AttachmentFault(Fault.BROKEN, "its DFS links go round in a circle")
        return self._first(found, access, budget, links - 1)

    def _first(self, targets: Iterable[SharePath], access: Access, budget: Budget, links: int) -> Opened:
        """The first target of a DFS link that has the file."""
        faults: list[AttachmentFault] = []
        for target in targets:
            try:
                return self._opened(target, access, budget, links)
            except AttachmentFault as fault:
                faults.append(fault)
        # A target that may be gone to says more about the file than those that may not.
        told = next((fault for fault in faults if fault.kind is not Fault.NOT_ALLOWED), faults[0])
        words = told.words if told.words.startswith(_BY_DFS) else f"{_BY_DFS}: {told.words}"
        raise AttachmentFault(told.kind, words, is_passing=told.is_passing)

    def _found(
        self, path: SharePath, access: Access, account: Account, budget: Budget
    ) -> Opened | tuple[SharePath, ...]:
        """Ask one server; a kept session that turns out to have ended is made anew, once."""
        while True:
            lent = self._pool.take(path.host, account, budget, must_encrypt=access.must_encrypt)
            is_kept = False
            before = budget.left_seconds
            try:
                found = lent.session.find(path, budget)
                if isinstance(found, tuple):
                    return found
                is_kept = True
                return Opened(lent, found)
            except AttachmentFault as fault:
                if lent.session.is_alive or not lent.was_used or not budget.left_seconds:
                    if budget.was_long(before):
                        self._heard(lent, fault)
                    raise
            finally:
                if not is_kept:
                    self._pool.give_back(lent)

    def _heard(self, lent: Lent, fault: AttachmentFault) -> None:
        if not lent.session.is_alive:
            self._pool.heard(lent.session.host, fault)

    def _give_back(self, opened: Opened) -> None:
        opened.lent.session.release(opened.handle)
        self._pool.give_back(opened.lent)


def _parsed(path: str) -> SharePath:
    try:
        return share_path.parse(path)
    except InvalidSharePath as invalid:
        raise AttachmentFault(Fault.NOT_ALLOWED, f"its path {invalid.fault}") from None


_BY_DFS: Final = "where its DFS link leads"
