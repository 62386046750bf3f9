"""How much of the limits is used now: for people who look, not for those who send."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

import redis

from settings_store.snapshot import Snapshot
from tasks.limits.account import account_of
from tasks.limits.scripts import Scripts
from tasks.lua_scripts import REDIS_CLOCK
from tasks.routing import server_of
from tasks.server import ServerName


@dataclass(frozen=True, slots=True)
class Usage:
    """What an account uses of its limits; messages are counted where they have one.

    Attributes:
        messages: Allowed to go in the last minute, by all workers together.
        messages_waiting: Have a time reserved at which they may go.
        connections: Held now, by all workers together.
        workers_waiting: Were refused a connection a moment ago.
    """

    messages: int = 0
    messages_waiting: int = 0
    connections: int = 0
    workers_waiting: int = 0


class Usages:
    """Reads the usage of accounts. Writes nothing.

    Args:
        client: From `settings_store.redis_client.connect`.
        prefix: First part of every key.
        clock: Lua text that defines `now_ms()`; tests move time by it.
    """

    def __init__(self, client: redis.Redis, *, prefix: str = "notify", clock: str = REDIS_CLOCK) -> None:
        self._scripts = Scripts(client, prefix, clock)

    def of_servers(self, snapshot: Snapshot) -> dict[str, Usage]:
        """The usage of every server that is set, by its account.

        Raises:
            redis.RedisError: Redis does not answer.
        """
        servers = (server_of(snapshot, name) for name in get_args(ServerName))
        return self.of({account_of(server) for server in servers if server})

    def of(self, accounts: set[str]) -> dict[str, Usage]:
        """The usage of these accounts, in one round trip.

        Raises:
            redis.RedisError: Redis does not answer.
        """
        if not accounts:
            return {}
        ordered = sorted(accounts)
        answers = self._scripts.run("usage", *ordered)
        return {account: Usage(*answer) for account, answer in zip(ordered, answers, strict=True)}
