"""Gathers the facts, each part by itself: one that cannot be read hides no other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

import msgspec
import redis

from console.doctor.broker_facts import broker_facts
from console.doctor.facts import Facts
from console.doctor.key_facts import key_facts
from console.doctor.ledger_facts import ledger_facts
from console.doctor.redis_facts import redis_facts
from settings_store.environment import Environment
from settings_store.errors import SettingsError
from settings_store.sentinel import is_sentinel
from settings_store.snapshot import Snapshot
from settings_store.store import SettingsStore
from tasks.breaker import Breaker, ServerState
from tasks.fleet import Fleet, FleetMember, redis_clock
from tasks.ledger import LedgerQueries
from tasks.server_status import ServerStatus, server_statuses, standings
from tasks.server_test.storage import Storage

_Read = TypeVar("_Read")
_SECOND_MS: Final = 1000


def gather(environment: Environment, client: redis.Redis) -> Facts:
    """Everything that the rules ask for.

    Args:
        environment: Of this process.
        client: The Redis of options and ledger.

    Raises:
        redis.ConnectionError: That Redis does not answer at all, which is the finding.
    """
    now_ms, here_ahead_ms = redis_clock(client)
    unread: dict[str, str] = {}

    def part(name: str, read: Callable[[], _Read]) -> _Read | None:
        try:
            return read()
        except (redis.RedisError, SettingsError, msgspec.MsgspecError, ValueError) as error:
            # Our own errors name option and fault; others may quote what they met.
            unread[name] = str(error) if isinstance(error, SettingsError) else type(error).__name__
            return None

    store = SettingsStore(client, prefix=environment.prefix)
    snapshot = part("options", store.snapshot)
    states = part("servers", Breaker(client, prefix=environment.prefix).servers) or []
    return Facts(
        now_ms=now_ms,
        here_ahead_ms=here_ahead_ms,
        redis=part("Redis", lambda: redis_facts(client, by_sentinels=is_sentinel(environment.redis_url))),
        snapshot=snapshot,
        saved_ms=part("history", lambda: _saved_ms(store)),
        keys=part("keys", lambda: key_facts(environment, snapshot or Snapshot())),
        fleet=part("workers", lambda: _fleet(client, environment)),
        broker=part("broker", lambda: broker_facts(environment)),
        servers=part("tests", lambda: _servers(client, environment, snapshot, states)) if snapshot else None,
        channels=standings(snapshot, states) if snapshot else (),
        ledger=part(
            "messages", lambda: ledger_facts(LedgerQueries(client, prefix=environment.prefix), now_ms)
        ),
        unread=unread,
    )


def _saved_ms(store: SettingsStore) -> int | None:
    revisions = store.history(1)
    return int(revisions[0].at.timestamp() * _SECOND_MS) if revisions else None


def _fleet(client: redis.Redis, environment: Environment) -> list[FleetMember]:
    return Fleet(client, prefix=environment.prefix).members()


def _servers(
    client: redis.Redis, environment: Environment, snapshot: Snapshot, states: Sequence[ServerState]
) -> list[ServerStatus]:
    return server_statuses(snapshot, states, Storage(client, environment.prefix).read_last())
