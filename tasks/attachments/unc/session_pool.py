"""Sessions that are kept: one serves one thread at a time, and all the files that thread has open there.

Kept for an account, its sealed password and the demand for encryption; what belongs to others is closed as
soon as it is free, so a changed account is never read with.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from tasks.attachments.source import AttachmentFault
from tasks.attachments.steps import UNWATCHED, Step, Steps
from tasks.attachments.unc.account import Account
from tasks.attachments.unc.budget import Budget
from tasks.attachments.unc.connecting import connect
from tasks.attachments.unc.session import SmbSession
from tasks.attachments.unc.sign_in_guard import SignInGuard
from tasks.attachments.unc.silence import Silence
from tasks.attachments.unc.watchdog import Watchdog, never

#: A session that nobody used for so long is closed.
IDLE_SECONDS: Final = 300.0

_Credentials = tuple[str, str, bool]


@dataclass(eq=False, slots=True)
class Lent:
    """A session that somebody uses.

    Attributes:
        session: The session.
        credentials: What it was signed in with.
        was_used: Whether it served before, and may have been ended by the server since.
        thread: Whose it is for now.
        files: How often that thread holds it.
    """

    session: SmbSession
    credentials: _Credentials
    was_used: bool = False
    thread: int = 0
    files: int = 0


@dataclass(slots=True)
class _Process:
    """What one process has open: a child of a fork leaves its parent's alone, and begins anew."""

    watchdog: Watchdog
    pid: int = field(default_factory=os.getpid)
    lock: threading.Lock = field(default_factory=threading.Lock)
    lent: list[Lent] = field(default_factory=list)
    idle: dict[Lent, int] = field(default_factory=dict)
    credentials: _Credentials | None = None


class SessionPool:
    """Gives sessions to threads and takes them back. One object a process; safe between threads.

    Args:
        guard: Decides for all workers whether the account may be tried.
        idle_seconds: How long a session is kept unused.
        steps: Told of each step.
        stopping: Whether this process is to end, and a server is given a few seconds more alone.
    """

    def __init__(
        self,
        guard: SignInGuard,
        *,
        idle_seconds: float = IDLE_SECONDS,
        steps: Steps = UNWATCHED,
        stopping: Callable[[], bool] = never,
    ) -> None:
        self._stopping = stopping
        self._steps = steps
        self._guard = guard
        self._idle_seconds = idle_seconds
        self._process = _Process(Watchdog(stopping))
        self._silence = Silence()

    def take(self, host: str, account: Account, budget: Budget, *, must_encrypt: bool) -> Lent:
        """A session with a host for this thread: its own, one that is idle, or a new one.

        Raises:
            AttachmentFault: There is none to be had.
            settings_store.errors.SecretFault: The password cannot be opened here.
            redis.RedisError: Nobody could be asked whether the account may be tried.
        """
        process = self._own()
        self._silence.check(host)
        credentials = (account.user, account.seal, must_encrypt)
        if (found := self._found(host, credentials)) is not None:
            return found
        before = budget.left_seconds
        try:
            session = self._signed_in(host, account, budget, process.watchdog, must_encrypt=must_encrypt)
        except AttachmentFault as fault:
            # Other files may have left it too little time: the next mail is not to go without for that.
            if budget.was_long(before):
                self._silence.heard(host, fault)
            raise
        lent = Lent(session, credentials, thread=threading.get_ident(), files=1)
        with process.lock:
            process.lent.append(lent)
        return lent

    def give_back(self, lent: Lent) -> None:
        """Say that one use of it is over; after the last it is kept, or closed if it is of no more use."""
        process = self._own()
        with process.lock:
            lent.files -= 1
            if lent.files > 0 or lent not in process.lent:
                return
            process.lent.remove(lent)
            is_kept = lent.session.is_alive and lent.credentials == process.credentials
            if is_kept:
                lent.was_used = True
                process.idle[lent] = process.watchdog.watch(
                    self._idle_seconds, lambda: self._end_idle(process, lent)
                )[0]
        if not is_kept:
            lent.session.close()

    def heard(self, host: str, fault: AttachmentFault) -> None:
        """Take in that a server failed at a later moment than the sign-in."""
        self._silence.heard(host, fault)

    def close(self) -> None:
        """Close what is idle."""
        process = self._own()
        with process.lock:
            idle, process.idle = list(process.idle.items()), {}
        for lent, number in idle:
            process.watchdog.unwatch(number)
            lent.session.close()

    def _own(self) -> _Process:
        # The parent's sessions are dropped unclosed: to close them here would end them there.
        if self._process.pid != os.getpid():
            self._process, self._silence = _Process(Watchdog(self._stopping)), Silence()
        return self._process

    def _found(self, host: str, credentials: _Credentials) -> Lent | None:
        """A session that stands already; those of other credentials are closed on the way."""
        process = self._own()
        outdated: list[Lent] = []
        with process.lock:
            process.credentials = credentials
            for lent in process.lent:
                is_mine = lent.thread == threading.get_ident() and lent.session.host == host
                if is_mine and lent.credentials == credentials and lent.session.is_alive:
                    lent.files += 1
                    return lent
            found = None
            for lent in list(process.idle):
                fits = lent.credentials == credentials and lent.session.is_alive
                if fits and (found is not None or lent.session.host != host):
                    continue
                if not process.watchdog.unwatch(process.idle.pop(lent)):
                    continue
                if fits:
                    found = lent
                else:
                    outdated.append(lent)
            if found is not None:
                found.thread, found.files = threading.get_ident(), 1
                process.lent.append(found)
        for lent in outdated:
            lent.session.close()
        return found

    def _end_idle(self, process: _Process, lent: Lent) -> None:
        with process.lock:
            process.idle.pop(lent, None)
        # In the watchdog's own thread, which must not wait for a server: no good-bye.
        lent.session.drop()

    def _signed_in(
        self, host: str, account: Account, budget: Budget, watchdog: Watchdog, *, must_encrypt: bool
    ) -> SmbSession:
        password = account.password()
        with _connected(host, budget, watchdog, self._steps) as session:
            with self._steps.step(Step.SIGN_IN, host), self._guard(account, host, budget):
                session.sign_in(account.user, password, budget, must_encrypt=must_encrypt)
            return session


@contextlib.contextmanager
def _connected(host: str, budget: Budget, watchdog: Watchdog, steps: Steps) -> Iterator[SmbSession]:
    """A session that nobody is signed in to yet; it is dropped where the inside fails."""
    session = SmbSession(connect(host, budget, watchdog, steps), host, watchdog, steps)
    try:
        yield session
    except BaseException:
        session.drop()
        raise
