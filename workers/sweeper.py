"""Rings for what is due, ends what is over, takes back what dead workers held, and has servers tested.

Every worker does it each second. Any number may sweep at once, because each script raises the scores before
anybody enqueues; the lock is economy alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final

import kombu.exceptions
import redis

from settings_store.audit import Audit
from settings_store.logs import EventLog
from settings_store.snapshot import Snapshot
from tasks import broker
from tasks.bells import messages_for
from tasks.breaker import Permission
from tasks.delivery.message_name import notification_of
from tasks.ledger import LANES, Sweep
from tasks.limits import account_of, allowance_for, is_of_limits, lines_of, of_other_limits, server_of_line
from tasks.routing import servers_in_use
from tasks.runtime import Runtime
from workers.probes import Probes

#: How long a sweeper keeps the others from doing the same; shorter than the second between two sweeps.
LOCK_MS: Final = 800
LOOK_AT_HELD_EVERY_SECONDS: Final = 300.0
PURGE_EVERY_SECONDS: Final = 60.0
#: So many go on in one sweep, at the most, that waited for a server.
RECOVERED_AT_ONCE: Final = 500
#: Of 200 records each, so that a sweep never rings late for what it forgets.
PURGES_A_SWEEP: Final = 5
#: So many records are looked at by one script, for which all others wait.
RUNG_AT_ONCE: Final = 800
#: First passes that a lane's queue is filled up to with batches: seconds of work for several workers.
WAITING_IN_BATCHES: Final = 4_000
_SECONDS_A_DAY: Final = 86_400

_log = EventLog(__name__)


def ids_to_ring_together(lane: str, room: int) -> int:
    """How many ids go into a lane's queue as batches, given the messages that it still takes.

    None, and as many single bells as it takes, where its messages might hold enough already: what waits in
    the broker is bounded by ids too.
    """
    if lane == "files":
        return 0
    return max(0, WAITING_IN_BATCHES - (broker.QUEUE_LIMIT - room) * broker.BATCH_IDS)


def _accounts_with_turns(snapshot: Snapshot) -> tuple[str, ...]:
    """The accounts in use that have a limit of messages a minute."""
    limited = (each for each in servers_in_use(snapshot) if allowance_for(snapshot, each).messages_per_minute)
    return tuple(dict.fromkeys(account_of(each) for each in limited))


def _messages(found: Sweep, lane: str) -> int:
    """How many messages those are that were rung for, where they may share."""
    again = sum(passes > 0 for _, passes in found.ring)
    return again + messages_for(len(found.ring) - again, lane)


class Sweeper:
    """The sweeps of one process."""

    def __init__(
        self,
        runtime: Runtime,
        *,
        clock: Callable[[], float] = time.monotonic,
        probes: Probes | None = None,
    ) -> None:
        self._runtime = runtime
        self._clock = clock
        self._lock_key = f"{runtime.environment.prefix}:sweeper"
        self._held_looked_at = clock()
        self._purged = clock()
        self._audit_trimmed = clock()
        self._released_revision = -1
        self._probes = probes or Probes(runtime)

    def sweep(self) -> int:
        """One sweep over all lanes, high first; how many bells were rung.

        Raises:
            redis.RedisError: The ledger does not answer; the next sweep does what this one did not.
        """
        if not self._take_lock():
            return 0
        snapshot = self._runtime.store.snapshot()
        self._release(snapshot.revision)
        self._look_at_servers(snapshot)
        first = self._whose_turn_has_come(snapshot)
        rung = sum(self._sweep_lane(lane, room, first) for lane, room in self._rooms().items())
        try:
            self._purge()
        finally:
            # One that fails keeps the other from nothing.
            self._trim_audit()
        return rung

    def _take_lock(self) -> bool:
        try:
            return bool(self._runtime.redis.set(self._lock_key, self._runtime.worker, nx=True, px=LOCK_MS))
        except redis.exceptions.OutOfMemoryError:
            # What was accepted is finished while Redis is full, and the lock is economy alone.
            return True

    def _rooms(self) -> dict[str, int]:
        """How many bells each lane's queue takes; none where the broker is away, and ends are seen anyway."""
        try:
            return {lane: self._runtime.bells.room(lane) for lane in LANES}
        except (kombu.exceptions.OperationalError, OSError) as error:
            _log.warning("broker_not_reached", error=type(error).__name__)
            return dict.fromkeys(LANES, 0)

    def _whose_turn_has_come(self, snapshot: Snapshot) -> list[str]:
        """What has its place within a limit now, and would lose it behind a backlog that has none yet."""
        names = self._runtime.admission.limits.turns_come(snapshot.derive(_accounts_with_turns))
        return [notification_of(name) for name in names]

    def _sweep_lane(self, lane: str, room: int, first: Sequence[str]) -> int:
        rung, together = 0, ids_to_ring_together(lane, room)
        while True:
            # Each might want a message of its own, as those do that were tried before.
            looked = min(together or room, room, RUNG_AT_ONCE)
            found = self._runtime.ledger.sweep(lane, room=looked, first=first)
            for notification_id, state in found.ended:
                _log.warning("ended_unsent", notification=notification_id, state=state)
            rung += self._ring(lane, found, room, may_share=bool(together))
            others = len(found.ring) - len(found.called)
            together -= others
            room -= _messages(found, lane)
            first = ()
            if min(together, room) <= 0 or others < looked:
                return rung

    def _ring(self, lane: str, found: Sweep, room: int, *, may_share: bool) -> int:
        """Ring for what was found; how many bells that were."""
        # A worker tries one suspect at a time; in one slot they wait for each other and for nothing else.
        called = found.called - found.suspects
        turns = [(each, passes) for each, passes in found.ring if each in called]
        first_turns = [each for each, passes in turns if passes == 0]
        later_turns = [(each, lane, passes) for each, passes in reversed(turns) if passes > 0]
        others = [(each, passes) for each, passes in found.ring if each not in called]
        firsts = {each: each in found.suspects for each, passes in others if passes == 0}
        suspects = [each for each, is_suspect in firsts.items() if is_suspect]
        together = [each for each, is_suspect in firsts.items() if not is_suspect and may_share]
        apart = {*suspects, *together}
        singly = [(each, lane, passes) for each, passes in others if each not in apart]
        bells = self._runtime.bells
        try:
            rung = bells.ring_together(first_turns, lane, first=True) + bells.ring(later_turns, first=True)
            rung += bells.ring(singly) + bells.ring_together(together, lane)
            rung += bells.ring_together(suspects, lane, in_turn=True)
            for notification_id, _ in found.ended[: max(room - rung, 0)]:
                self._runtime.ring_end(notification_id)
        except (kombu.exceptions.OperationalError, OSError) as error:
            # Scores were raised: what was not rung is rung again when they are reached.
            _log.warning("bells_not_rung", lane=lane, error=type(error).__name__)
            return 0
        return rung

    def _look_at_servers(self, snapshot: Snapshot) -> None:
        """Have servers tested that are passed over; let go on, paced, what waited for those that are not.

        What has a turn by a limit that was changed asks anew.
        """
        ledger, breaker = self._runtime.ledger, self._runtime.breaker
        awaited = ledger.awaited()
        for turn in of_other_limits(awaited, snapshot):
            ledger.recover(turn, limit=RECOVERED_AT_ONCE)
        others = frozenset(each for each in awaited if not is_of_limits(each))
        servers = {server.fingerprint: server for server in reversed(servers_in_use(snapshot))}
        permissions = breaker.allows({*servers, *others})
        self._call_from_lines(awaited, snapshot, permissions)
        for fingerprint in others:
            if permissions[fingerprint].allowed:
                released = breaker.release_allowance(fingerprint, RECOVERED_AT_ONCE)
                if released:
                    ledger.recover(fingerprint, limit=released)
        self._probes.begin(servers, permissions, snapshot)

    def _call_from_lines(
        self, awaited: Collection[str], snapshot: Snapshot, permissions: Mapping[str, Permission]
    ) -> None:
        """Let as many go on as may open connections, and the first in each line in any case.

        Whoever is done with a connection takes the first in its line. This is for those that nobody opened,
        and for a line in which nobody is called any more, as where a worker died. Where the server is left
        alone nobody comes to have a connection to it, and all may go by another one.
        """
        lines = {name: line for name, line in snapshot.derive(lines_of).items() if name in awaited}
        used = self._runtime.usages.of({line.account for line in lines.values()})
        for name, line in lines.items():
            free = line.connections - used[line.account].connections
            is_left_alone = not permissions[server_of_line(name)].allowed
            most = RECOVERED_AT_ONCE if is_left_alone else min(max(free, 1), RECOVERED_AT_ONCE)
            self._runtime.ledger.recover(name, limit=most)

    def _release(self, revision: int) -> None:
        """Release what is held, or waits for servers, under older options; now and then all that is held."""
        now = self._clock()
        look_at_all = now - self._held_looked_at >= LOOK_AT_HELD_EVERY_SECONDS
        if look_at_all:
            self._held_looked_at = now
        if look_at_all or revision != self._released_revision:
            before = revision + 1 if look_at_all else revision
            held = self._runtime.ledger.release_held(before)
            waiting = self._runtime.ledger.release_waiting(revision)
            if held == waiting == 0:
                self._released_revision = revision

    def _purge(self) -> None:
        if self._clock() - self._purged < PURGE_EVERY_SECONDS:
            return
        self._purged = self._clock()
        snapshot = self._runtime.store.snapshot()
        days = snapshot.number("text.history_days")
        for _ in range(PURGES_A_SWEEP):
            _, more = self._runtime.ledger.purge(older_than_seconds=days * _SECONDS_A_DAY)
            if not more:
                return
        # Shorter days of history, or a busy hour two weeks ago: the next sweep goes on.
        self._purged = -PURGE_EVERY_SECONDS

    def _trim_audit(self) -> None:
        if self._clock() - self._audit_trimmed < PURGE_EVERY_SECONDS:
            return
        self._audit_trimmed = self._clock()
        days = self._runtime.store.snapshot().number("audit.days")
        Audit(self._runtime.redis, prefix=self._runtime.environment.prefix).trim(days=days)
