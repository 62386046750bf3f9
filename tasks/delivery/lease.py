"""Keeps claims alive while their passes run: one thread a process renews them all."""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Final

import redis

from settings_store.logs import EventLog
from settings_store.this_process import process_id
from tasks.ledger import Claim, Ledger

#: A third of the lease: two renewals may fail before a claim is lost.
RENEW_EVERY_SECONDS: Final = 10.0

_log = EventLog(__name__)


@dataclass(slots=True)
class _Kept:
    """What one process keeps."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    claims: dict[str, Claim] = field(default_factory=dict)
    end: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None


class _Keeping(AbstractContextManager[None]):
    """Made by hand: there is one in each pass."""

    __slots__ = ("_claim", "_keeper", "_kept")

    def __init__(self, keeper: LeaseKeeper, claim: Claim) -> None:
        self._keeper = keeper
        self._claim = claim

    def __enter__(self) -> None:
        self._kept = self._keeper.begin(self._claim)

    def __exit__(self, *_: object) -> None:
        with self._kept.lock:
            self._kept.claims.pop(self._claim.token, None)


class LeaseKeeper:
    """Renews the claims of this very process and of no other; a child of a fork starts with none.

    It dies with the process it serves, which is the point: a dead or stopped process renews nothing.
    """

    def __init__(self, ledger: Ledger, *, every_seconds: float = RENEW_EVERY_SECONDS) -> None:
        self._ledger = ledger
        self._every_seconds = every_seconds
        self._processes: dict[int, _Kept] = {}

    def keeping(self, claim: Claim) -> AbstractContextManager[None]:
        """Renew this claim while the block runs."""
        return _Keeping(self, claim)

    def begin(self, claim: Claim) -> _Kept:
        """Renew this claim from now on; by what is given back it is ended."""
        kept = self._of_this_process()
        with kept.lock:
            kept.claims[claim.token] = claim
            if kept.thread is None:
                kept.thread = threading.Thread(
                    target=self._run, args=(kept,), name="lease-keeper", daemon=True
                )
                kept.thread.start()
        return kept

    def renew_all(self) -> None:
        """Renew every claim once; one that is lost is left to the pass, whose next write is refused."""
        self._renew(self._of_this_process())

    def close(self) -> None:
        """End the thread; claims that are still kept run out."""
        kept = self._of_this_process()
        kept.end.set()
        if kept.thread is not None:
            kept.thread.join()

    def _of_this_process(self) -> _Kept:
        # A new object in each process, because a thread of the parent may have held the lock when it forked.
        # Threads that meet here agree on one: setdefault is atomic.
        pid = process_id()
        return self._processes.get(pid) or self._processes.setdefault(pid, _Kept())

    def _run(self, kept: _Kept) -> None:
        while not kept.end.wait(self._every_seconds):
            self._renew(kept)

    def _renew(self, kept: _Kept) -> None:
        with kept.lock:
            claims = list(kept.claims.values())
        for claim in claims:
            try:
                is_lost = not self._ledger.renew(claim)
            except redis.RedisError as error:
                _log.warning("lease_not_renewed", notification=claim.id, error=type(error).__name__)
                continue
            if is_lost:
                self._forget(kept, claim)

    @staticmethod
    def _forget(kept: _Kept, claim: Claim) -> None:
        with kept.lock:
            is_running = kept.claims.pop(claim.token, None) is not None
        # A pass that ended meanwhile has no lease to lose.
        if is_running:
            _log.warning("lease_lost", notification=claim.id)
