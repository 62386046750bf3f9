"""Whether a message may go within our own limits, and the slots of the connections that this process has."""

from __future__ import annotations

import contextlib
import functools
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Final

import redis

from settings_store.logs import EventLog
from settings_store.snapshot import Snapshot
from settings_store.this_process import process_id
from tasks.delivery.stops import OptionsChanged
from tasks.limits import (
    FAR_SECONDS,
    Allowance,
    Granted,
    Limits,
    LimitsChanged,
    Slot,
    Wait,
    account_of,
    allowance_for,
    far_turn,
    line_for,
)
from tasks.server import Server

#: A tenth of a slot's lease; what idles is closed this soon after another worker began to wait for it.
RENEW_EVERY_SECONDS: Final = 3.0
#: After a message had to wait for its turn, others of its account ask for theirs without a connection.
FULL_SECONDS: Final = 1.0
#: Without an answer for so long, connections are closed before their leases are over.
GIVE_UP_AFTER_SECONDS: Final = 20.0

_log = EventLog(__name__)


class LimitReached(Exception):
    """A limit of ours is reached; nothing was opened and nothing sent.

    Attributes:
        wait: Which limit, and when to come again.
    """

    def __init__(self, wait: Wait) -> None:
        super().__init__(wait.reason)
        self.wait = wait


@dataclass(slots=True)
class _Kept:
    """What one process keeps: the slots of its connections, and which of these are to be closed."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    slots: dict[str, Slot] = field(default_factory=dict)
    to_close: set[str] = field(default_factory=set)
    end: threading.Event = field(default_factory=threading.Event)
    full_until: dict[str, float] = field(default_factory=dict)
    renewed_at: float = 0.0
    thread: threading.Thread | None = None


class Ticket:
    """One message's way through the limits of one server's account.

    Attributes:
        line: Where those wait that find no connection; blank where connections have no limit.
    """

    def __init__(
        self,
        admission: Admission,
        account: str,
        allowance: Allowance,
        message: str,
        *,
        urgent: bool,
        revision: int,
        line: str,
    ) -> None:
        self.line = line
        self._admission = admission
        self._urgent = urgent
        self._account = account
        self._allowance = allowance
        self._message = message
        self._revision = revision

    def admit(self, holder: str) -> None:
        """Let the message go over a connection, which is open or is to be opened.

        Raises:
            LimitReached: Not now.
            OptionsChanged: The limits may be others by now.
            redis.RedisError: Redis did not answer; the message does not go.
        """
        self._admission.take(
            self._account,
            self._allowance,
            self._message,
            holder,
            urgent=self._urgent,
            revision=self._revision,
            # What is urgent waits for no call, and a test is in no line.
            is_called=bool(self._message) and not self._urgent,
        )

    def ask(self) -> None:
        """Ask for the turn before a connection is taken, where others had to wait for theirs a moment ago.

        Those who only ask would keep the few connections from those who may go.

        Raises:
            The same as `admit`.
        """
        if not self._urgent and self._message and self._admission.is_full(self._account):
            self.admit("")

    def waits_under(self, wait: Wait) -> str:
        """The name to wait under for a connection, or for a turn that is far off; blank where it is near."""
        if wait.limit == "connections":
            return self.line
        is_far = wait.wait_seconds >= FAR_SECONDS
        return far_turn(self._account, self._allowance) if is_far else ""

    @property
    def is_used_here(self) -> bool:
        """Whether this process has a connection to the account, so that one may be given back in a moment."""
        return self._admission.has_slot(self._account)

    def give_back(self) -> None:
        """Say that the message will not go, so that another may in its place."""
        # Without an answer it counts as sent, which costs a moment of pace.
        self._tell(self._admission.limits.give_back)

    def sent(self) -> None:
        """Say that the message went, or may have gone, until now."""
        # Without an answer it counts as sent when it was admitted.
        self._tell(self._admission.limits.sent)

    def _tell(self, what: Callable[[str, str], None]) -> None:
        if self._message and self._allowance.messages_per_minute:
            with contextlib.suppress(redis.RedisError):
                what(self._account, self._message)


class Admission:
    """The limits as deliveries and connections meet them. One object a process; safe between threads.

    A slot belongs to a connection from before it is opened until it is closed. A thread renews the slots of
    this very process, as long as there are any, and has connections closed that others wait for.

    Args:
        limits: What all workers share.
        close_idle: Closes connections that nobody uses: those that `may_keep` denies, and one of those named.
        every_seconds: Between two renewals.
        clock: Seconds that only grow.
    """

    def __init__(
        self,
        limits: Limits,
        *,
        close_idle: Callable[[Collection[str]], None],
        every_seconds: float = RENEW_EVERY_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.limits = limits
        self._clock = clock
        self._close_idle = close_idle
        self._every_seconds = every_seconds
        self._processes: dict[int, _Kept] = {}
        self._known: tuple[int, dict[tuple[str, str], Allowance]] = (-1, {})

    def ticket(
        self, snapshot: Snapshot, server: Server, message: str, *, urgent: bool = False
    ) -> Ticket | None:
        """What a message, or a test, needs to go by a server; None where nothing is limited.

        Args:
            snapshot: The options that hold.
            server: Where to.
            message: The same over all questions for one message to one server, another once it was sent;
                blank for a test, which needs a connection alone.
            urgent: Whether it goes before those that have a turn.
        """
        allowance = self._allowance(snapshot, server)
        if allowance.is_unlimited:
            return None
        return Ticket(
            self,
            account_of(server),
            allowance,
            message,
            urgent=urgent,
            revision=snapshot.revision,
            line=line_for(server, allowance),
        )

    def counting(self, snapshot: Snapshot, server: Server) -> Callable[[str], None]:
        """What a message needs where nothing is limited: its connection is counted when it is opened."""
        return functools.partial(self._count, server, snapshot.revision)

    def take(
        self,
        account: str,
        allowance: Allowance,
        message: str,
        holder: str,
        *,
        urgent: bool = False,
        revision: int | None = None,
        is_called: bool = False,
    ) -> None:
        """Ask for a message to go over a connection; see `Ticket.admit` and `Limits.take`."""
        kept = self._of_this_process()
        try:
            answer = self.limits.take(
                account,
                allowance,
                message=message,
                holder=holder,
                urgent=urgent,
                revision=revision,
                is_called=is_called,
            )
            lacks_place = not isinstance(answer, Wait) and answer.slot is None
            if lacks_place and holder and holder not in kept.slots:
                answer = Granted(self.limits.count(account, holder, revision=revision))
        except LimitsChanged:
            raise OptionsChanged from None
        if isinstance(answer, Wait):
            if answer.limit == "messages":
                kept.full_until[account] = self._clock() + FULL_SECONDS
            else:
                # Open already or not, it has no slot, and is not to be there.
                with kept.lock:
                    kept.to_close.add(holder)
            raise LimitReached(answer)
        if answer.slot is not None:
            self._keep(kept, answer.slot, must_yield=answer.must_yield)

    def _count(self, server: Server, revision: int, holder: str) -> None:
        kept = self._of_this_process()
        if holder in kept.slots:
            return
        try:
            slot = self.limits.count(account_of(server), holder, revision=revision)
        except LimitsChanged:
            raise OptionsChanged from None
        self._keep(kept, slot, must_yield=False)

    def _keep(self, kept: _Kept, slot: Slot, *, must_yield: bool) -> None:
        with kept.lock:
            kept.slots[slot.holder] = slot
            if must_yield:
                kept.to_close.add(slot.holder)
            if kept.thread is None:
                kept.renewed_at = self._clock()
                kept.thread = threading.Thread(
                    target=self._run, args=(kept,), name="slot-keeper", daemon=True
                )
                kept.thread.start()

    def is_full(self, account: str) -> bool:
        """Whether a message of this process had to wait for its turn a moment ago."""
        return self._clock() < self._of_this_process().full_until.get(account, 0.0)

    def has_slot(self, account: str) -> bool:
        """Whether this process has a connection to an account, in use or kept."""
        kept = self._of_this_process()
        with kept.lock:
            return any(slot.account == account for slot in kept.slots.values())

    def may_keep(self, holder: str) -> bool:
        """Whether a connection may stay open when its message is sent, or be used for another."""
        return holder not in self._of_this_process().to_close

    def closed(self, holders: Collection[str]) -> None:
        """Say that connections are closed, or were not opened after all: others may have their slots."""
        self._give_up(holders, self.limits.release)

    def left(self, holders: Collection[str]) -> None:
        """Say that our side of connections is closed: others may have their slots in a while."""
        self._give_up(holders, self.limits.leave)

    def _give_up(self, holders: Collection[str], tell: Callable[[Collection[Slot]], None]) -> None:
        kept = self._of_this_process()
        with kept.lock:
            kept.to_close.difference_update(holders)
            slots = [kept.slots.pop(holder) for holder in holders if holder in kept.slots]
        try:
            tell(slots)
        except redis.RedisError as error:
            # Their leases run out.
            _log.warning("slots_not_released", count=len(slots), error=type(error).__name__)

    def renew(self) -> None:
        """Lengthen the leases of this process' slots, and close what idles and is waited for, or was lost.

        Where Redis does not answer for long all of them are closed once nobody uses them, before their leases
        are over.
        """
        kept = self._of_this_process()
        with kept.lock:
            slots = list(kept.slots.values())
        to_close: set[str] = set()
        wanted: Collection[str] = ()
        try:
            renewed = self.limits.renew(slots)
        except redis.RedisError as error:
            _log.warning("slots_not_renewed", count=len(slots), error=type(error).__name__)
            if self._clock() - kept.renewed_at >= GIVE_UP_AFTER_SECONDS:
                to_close.update(slot.holder for slot in slots)
        else:
            kept.renewed_at = self._clock()
            to_close.update(slot.holder for slot in renewed.lost | renewed.yielding)
            wanted = [slot.holder for slot in renewed.wanted]
            self._leave_closed(kept, slots)
        with kept.lock:
            kept.to_close |= to_close
            kept.to_close &= kept.slots.keys()
        self._close_idle(wanted)

    def _leave_closed(self, kept: _Kept, renewed: Collection[Slot]) -> None:
        """A connection that was closed while its lease was renewed may have it again, and nobody uses it."""
        with kept.lock:
            slots = [slot for slot in renewed if slot.holder not in kept.slots]
        with contextlib.suppress(redis.RedisError):
            self.limits.leave(slots)

    def _allowance(self, snapshot: Snapshot, server: Server) -> Allowance:
        revision, allowances = self._known
        if revision != snapshot.revision:
            allowances = {}
            self._known = (snapshot.revision, allowances)
        key = (server.name, server.fingerprint)
        if key not in allowances:
            allowances[key] = allowance_for(snapshot, server)
        return allowances[key]

    def _of_this_process(self) -> _Kept:
        # A new object in each process: a child of a fork has none of its parent's connections. Threads that
        # meet here agree on one: setdefault is atomic.
        pid = process_id()
        return self._processes.get(pid) or self._processes.setdefault(pid, _Kept())

    def _run(self, kept: _Kept) -> None:
        while not kept.end.wait(self._every_seconds):
            with kept.lock:
                if not kept.slots:
                    kept.thread = None
                    return
            self.renew()
