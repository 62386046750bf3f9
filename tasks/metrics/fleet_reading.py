"""How the fleet stands at one moment, read from Redis."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import redis

from settings_store.errors import SettingsError
from settings_store.secret_expiry import secret_expiries
from settings_store.snapshot import Snapshot
from tasks.breaker import Breaker
from tasks.fallback import Standing
from tasks.fleet import Fleet, FleetMember, redis_clock
from tasks.ledger import LedgerQueries, Priority, State
from tasks.limits import Usages
from tasks.server_status import ServerStatus, server_statuses, standings


@dataclass(frozen=True, slots=True)
class OptionsReading:
    """What follows from the options.

    Attributes:
        revision: Theirs.
        servers: The four of them, as the breaker has them.
        standings: Whether each channel is on its fallback.
        secret_days_left: By option, where the last day is known.
    """

    revision: int
    servers: tuple[ServerStatus, ...]
    standings: tuple[Standing, ...]
    secret_days_left: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class FleetReading:
    """One look.

    Attributes:
        at_ms: When, in Redis' milliseconds.
        counts: How many notifications each state has.
        accepted: How many were ever accepted.
        queued_since_ms: Since when a worker could have taken the oldest that waits, by priority.
        overdue: How many the sweepers should have looked at by now.
        overdue_since_ms: Since when the oldest of them.
        memory_used: Of what Redis may take, from 0 to 1; None where it has no limit.
        workers: Those that live, and those that were heard of within a day.
        options: What follows from the options; None where those cannot be read.
    """

    at_ms: int
    counts: Mapping[State, int]
    accepted: int
    queued_since_ms: Mapping[Priority, int]
    overdue: int
    overdue_since_ms: int | None
    memory_used: float | None
    workers: tuple[FleetMember, ...]
    options: OptionsReading | None


class FleetReader:
    """Looks at the fleet; safe between threads.

    Args:
        client: From `settings_store.redis_client.connect`.
        snapshot: Gives the options.
        prefix: First part of every key.
        clock: Unix seconds; the day by it tells how long a secret still holds.
    """

    def __init__(
        self,
        client: redis.Redis,
        snapshot: Callable[[], Snapshot],
        *,
        prefix: str = "notify",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._redis = client
        self._snapshot = snapshot
        self._clock = clock
        self._queries = LedgerQueries(client, prefix=prefix)
        self._breaker = Breaker(client, prefix=prefix)
        self._fleet = Fleet(client, prefix=prefix)
        self._usages = Usages(client, prefix=prefix)

    def read(self) -> FleetReading:
        """Look now.

        Raises:
            redis.RedisError: Redis does not answer.
        """
        at_ms, _ = redis_clock(self._redis)
        overdue, overdue_since_ms = self._queries.overdue(at_ms)
        return FleetReading(
            at_ms=at_ms,
            counts=self._queries.counts(),
            accepted=self._queries.accepted_ever(),
            queued_since_ms=self._queries.queued_since(),
            overdue=overdue,
            overdue_since_ms=overdue_since_ms,
            memory_used=self._memory_used(),
            workers=tuple(self._fleet.members()),
            options=self._options(),
        )

    def _memory_used(self) -> float | None:
        memory: Any = self._redis.info("memory")
        limit = int(memory.get("maxmemory", 0))
        return int(memory["used_memory"]) / limit if limit else None

    def _options(self) -> OptionsReading | None:
        try:
            snapshot = self._snapshot()
        except SettingsError:
            return None
        states = self._breaker.servers()
        today = datetime.fromtimestamp(self._clock(), tz=UTC).date()
        return OptionsReading(
            revision=snapshot.revision,
            servers=tuple(server_statuses(snapshot, states, {}, self._usages.of_servers(snapshot))),
            standings=standings(snapshot, states),
            secret_days_left={each.option: each.days_left for each in secret_expiries(snapshot, today)},
        )
