"""The connections of this process that nobody uses at the moment."""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeVar

from tasks.strands import aside
from tasks.transports.connection import Connection
from tasks.transports.trust import Trust

T = TypeVar("T")


class PoolKey(NamedTuple):
    """What two uses must agree on to share a connection.

    Attributes:
        fingerprint: The server under its account.
        trust: What TLS rested on.
    """

    fingerprint: str
    trust: Trust


@dataclass(frozen=True, slots=True)
class Limits:
    """When a connection is not used again.

    Attributes:
        messages: Texts over one connection.
        age_seconds: Since it was opened.
        idle_seconds: Since it was used; servers hang up after about a minute under load.
        idle_per_server: Connections kept for one server for that long.
        surplus_seconds: For so long more of them are, for the messages that may come at once.
        wait_seconds: How long one that is in use is waited for, where no other may be opened.
        waiting_per_server: So many wait for one at once; the others have their slots for other servers.
        alone_seconds: For so long nobody follows on connections to a server that did not answer who did.
    """

    messages: int = 100
    age_seconds: float = 300.0
    idle_seconds: float = 30.0
    idle_per_server: int = 4
    surplus_seconds: float = 2.0
    wait_seconds: float = 0.25
    waiting_per_server: int = 4
    alone_seconds: float = 600.0


#: After one waited in vain nobody waits for that server for so long: it is slow, and others want the slots.
NOT_AGAIN_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class _Idle:
    connection: Connection
    since: float


class IdleConnections:
    """Keeps connections and gives the last one back first; what it takes out for good it hands to the caller.

    The lock is held for looking things up only: closing may wait for a server, and is done outside.
    """

    def __init__(
        self,
        limits: Limits,
        clock: Callable[[], float],
        may_keep: Callable[[str], bool] = lambda _holder: True,
    ) -> None:
        self._limits = limits
        self._may_keep = may_keep
        self._clock = clock
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._listening = 0
        self._kept: dict[PoolKey, list[_Idle]] = {}
        self._waiting: Counter[PoolKey] = Counter()
        self._first: Counter[PoolKey] = Counter()
        self._not_before: dict[PoolKey, float] = {}
        self._followable: dict[PoolKey, list[Connection]] = {}
        self._alone_until: dict[PoolKey, float] = {}

    def take(self, key: PoolKey, *, first: bool = False) -> Connection | None:
        """The connection that was used last, and is now the caller's; None where there is none.

        Args:
            key: Whose.
            first: Whether the caller goes before others; those find none while somebody waits who does.
        """
        with self._lock:
            kept = self._kept.get(key)
            return kept.pop().connection if kept and (first or not self._first[key]) else None

    def offer(self, key: PoolKey, connection: Connection) -> None:
        """Let another message follow on a connection whose text is written and whose reply is due."""
        if not connection.may_be_followed or not self.may_serve(connection, messages=1):
            return
        with self._lock:
            if self._clock() >= self._alone_until.get(key, 0.0):
                self._followable.setdefault(key, []).append(connection)
                self._tell()

    def withdraw(self, key: PoolKey, connection: Connection) -> None:
        """Let nobody follow on it any more."""
        with self._lock:
            offered = self._followable.get(key, [])
            if connection in offered:
                offered.remove(connection)

    def follow(self, key: PoolKey, *, first: bool = False) -> Connection | None:
        """The follower on one that was offered, which is now the caller's; None where there is none.

        Args:
            key: Whose.
            first: As for `take`.
        """
        with self._lock:
            return self._follower(key) if first or not self._first[key] else None

    def leave_alone(self, key: PoolKey) -> None:
        """A server did not answer who followed: it may have thrown away what came behind the text."""
        with self._lock:
            self._alone_until[key] = self._clock() + self._limits.alone_seconds

    def wait(self, key: PoolKey, *, busy: int) -> Connection | None:
        """Wait a moment for one that is given back, or offered, which is then the caller's; else None.

        Args:
            key: Whose.
            busy: So many are in use: no more wait, or each would wait for more than one message.
        """

        def taken() -> Connection | None:
            if self._first[key]:
                return None
            kept = self._kept.get(key)
            return kept.pop().connection if kept else self._follower(key)

        with self._lock:
            found = taken()
            if found is not None or not self._may_wait(key, busy):
                return found
            self._waiting[key] += 1
            try:
                found = self._wait_for(taken, self._limits.wait_seconds)
            finally:
                self._waiting[key] -= 1
            if found is not None:
                self._not_before.pop(key, None)
            else:
                self._not_before[key] = self._clock() + NOT_AGAIN_SECONDS
            return found

    def wants_more(self, key: PoolKey, *, busy: int) -> bool:
        """Whether one more message would find a connection: one that idles, or is given back in a moment.

        Args:
            key: Whose.
            busy: So many are in use. Where there is none at all, one may be opened in its place.

        Returns:
            False too where somebody waits here who goes first.
        """
        with self._lock:
            if self._first[key]:
                return False
            return not busy or bool(self._kept.get(key)) or self._may_wait(key, busy)

    def _may_wait(self, key: PoolKey, busy: int) -> bool:
        has_room = self._waiting[key] < min(self._limits.waiting_per_server, max(busy, 1))
        return has_room and self._clock() >= self._not_before.get(key, 0.0)

    @contextlib.contextmanager
    def going_first(self, key: PoolKey) -> Iterator[Callable[[float], object]]:
        """Within it, what is given back is the caller's, and of others who go first; gives a wait for it.

        The wait is for so many seconds at the most.
        """
        with self._lock:
            self._first[key] += 1
        try:
            yield lambda seconds: aside(lambda: self._wait_first(key, seconds))
        finally:
            with self._lock:
                self._first[key] -= 1
                self._tell()

    def _wait_first(self, key: PoolKey, seconds: float) -> None:
        with self._lock:
            self._wait_for(lambda: bool(self._kept.get(key) or self._followable.get(key)), seconds)

    def _wait_for(self, found: Callable[[], T], seconds: float) -> T:
        """Wait until something is found, so long at the most; the lock is held before and after."""
        self._listening += 1
        try:
            return self._changed.wait_for(found, seconds)
        finally:
            self._listening -= 1

    def _tell(self) -> None:
        """Let those look who wait; mostly nobody does."""
        if self._listening:
            self._changed.notify_all()

    def _follower(self, key: PoolKey) -> Connection | None:
        offered = self._followable.get(key, [])
        while offered:
            follower = offered.pop(0).follower()
            if follower is not None:
                return follower
        return None

    def keep(self, key: PoolKey, connection: Connection) -> list[Connection]:
        """Keep a clean connection; where it cannot serve again, it is what the caller has to close."""
        if not self.may_serve(connection):
            return [connection]
        with self._lock:
            self._kept.setdefault(key, []).append(_Idle(connection, self._clock()))
            self._tell()
        return []

    def may_serve(self, connection: Connection, *, messages: int = 0) -> bool:
        """Whether a connection is clean, young enough for another message and need not make room.

        Args:
            connection: Which.
            messages: So many are under way on it; it is no less clean for them.
        """
        return (
            (connection.is_clean or messages > 0)
            and connection.messages + messages < self._limits.messages
            and self._clock() - connection.opened_at <= self._limits.age_seconds
            and self._may_keep(connection.holder)
        )

    def remove(self, key: PoolKey) -> list[Connection]:
        """All that are kept for one server."""
        with self._lock:
            return [each.connection for each in self._kept.pop(key, [])]

    def remove_overdue(self, only: PoolKey | None = None) -> list[Connection]:
        """Those that were idle too long, are too old or have to make room, of one server or of all."""
        overdue: list[Connection] = []
        with self._lock:
            for key in tuple(self._kept) if only is None else (only,):
                kept = self._kept.get(key)
                if kept:
                    fine = self._without_overdue(kept, overdue)
                    if fine:
                        self._kept[key] = fine
                    else:
                        del self._kept[key]
        return overdue

    def _without_overdue(self, kept: list[_Idle], overdue: list[Connection]) -> list[_Idle]:
        """Those that may stay; the others join the overdue ones."""
        now, fine = self._clock(), list[_Idle]()
        surplus = len(kept) - self._limits.idle_per_server
        for place, each in enumerate(kept):
            longest = self._limits.surplus_seconds if place < surplus else self._limits.idle_seconds
            if now - each.since <= longest and self.may_serve(each.connection):
                fine.append(each)
            else:
                overdue.append(each.connection)
        return fine

    def remove_one(self, holders: Collection[str]) -> list[Connection]:
        """One of those with these names, if any is kept: the one that was used least lately."""
        with self._lock:
            for key, kept in self._kept.items():
                for each in kept:
                    if each.connection.holder in holders:
                        kept.remove(each)
                        if not kept:
                            del self._kept[key]
                        return [each.connection]
        return []

    def remove_to(self, fingerprint: str) -> list[Connection]:
        """All that are kept for one server, whatever TLS rested on."""
        with self._lock:
            keys = [key for key in self._kept if key.fingerprint == fingerprint]
            return [each.connection for key in keys for each in self._kept.pop(key)]

    def remove_all(self) -> list[Connection]:
        """All of them."""
        with self._lock:
            kept, self._kept = self._kept, {}
        return [each.connection for connections in kept.values() for each in connections]

    def inherited(self) -> list[Connection]:
        """All of them, for the child of a fork: no lock, a thread of the parent may have held it."""
        return [each.connection for connections in self._kept.values() for each in connections]

    def by_server(self) -> Mapping[str, int]:
        """How many are kept, by the server's fingerprint."""
        counts: dict[str, int] = {}
        with self._lock:
            for key, kept in self._kept.items():
                counts[key.fingerprint] = counts.get(key.fingerprint, 0) + len(kept)
        return counts

    def __len__(self) -> int:
        with self._lock:
            return sum(map(len, self._kept.values()))
