"""Pause a server and resume it, for command line and page alike: what is done is in the audit."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass

import redis

from settings_store.audit import Audit
from settings_store.catalog import GROUPS
from settings_store.change import Change, after_change
from settings_store.snapshot import Snapshot
from settings_store.store import SettingsStore
from tasks.breaker import REASON_MAXIMUM_CHARACTERS, Breaker, BreakerState, InvalidPause, ServerState
from tasks.routing import server_of
from tasks.server import Server, ServerName
from tasks.server_status import SERVER_NAMES


class ServerNotSet(ValueError):
    """The server has no name in the options, so there is nothing to pause."""


@dataclass(frozen=True, slots=True)
class Paused:
    """What a pause or its end did.

    Attributes:
        before: The server's state before.
        also: Names under which the same server is set besides, which are paused and resumed with it.
    """

    before: BreakerState
    also: tuple[ServerName, ...]


class Pausing:
    """Pauses and resumes servers as they are set now. A changed option makes another server, not paused.

    Every method raises `redis.RedisError` where Redis does not answer.

    Args:
        client: From `settings_store.redis_client.connect`.
        store: The options.
        prefix: First part of every key.
    """

    def __init__(self, client: redis.Redis, store: SettingsStore, *, prefix: str = "notify") -> None:
        self._store = store
        self._breaker = Breaker(client, prefix=prefix)
        self._audit = Audit(client, prefix=prefix)

    def look(self, name: ServerName) -> Paused:
        """How the server stands, and under which names it is set besides.

        Raises:
            ServerNotSet: It is not.
        """
        return self._found(name)[1]

    def pause(
        self, name: ServerName, *, by: str, reason: str, seconds: float | None = None, source: str = ""
    ) -> Paused:
        """Keep all workers from a server, for so long or until it is resumed.

        Raises:
            ServerNotSet: It is not set.
            tasks.breaker.InvalidPause: Reason or author is blank, the reason is longer than what is shown, or
                the time is not above 0.
        """
        server, paused = self._found(name)
        if len(reason) > REASON_MAXIMUM_CHARACTERS:
            raise InvalidPause(f"reason: is too long; allowed: {REASON_MAXIMUM_CHARACTERS} characters")
        self._breaker.pause(server.fingerprint, name=name, by=by, reason=reason, seconds=seconds)
        detail = {"reason": reason, "seconds": seconds}
        self._audit.record(by, "server.pause", name, detail=detail, source=source)
        return paused

    def resume(self, name: ServerName, *, by: str, source: str = "") -> Paused:
        """End a pause; a server that is passed over is tested at once.

        Raises:
            ServerNotSet: It is not set.
        """
        server, paused = self._found(name)
        self._breaker.resume(server.fingerprint)
        self._audit.record(by, "server.resume", name, detail={"before": paused.before}, source=source)
        return paused

    def _found(self, name: ServerName) -> tuple[Server, Paused]:
        snapshot = self._store.snapshot()
        server = server_of(snapshot, name)
        if server is None:
            raise ServerNotSet(name)
        states = {state.fingerprint: state.state for state in self._breaker.servers()}
        return server, Paused(states.get(server.fingerprint, "closed"), _also(snapshot, server))


def with_pauses_left(change: Change, store: SettingsStore, breaker: Breaker) -> Change:
    """The change with a warning more for each server whose pause it ends, or in a dry run would end.

    It may be saved by now, so a Redis that goes away costs these warnings and nothing else.
    """
    if not change.changes:
        return change
    with contextlib.suppress(redis.RedisError):
        before = store.at(change.revision - 1) if change.saved else store.snapshot()
        left = pauses_left(before, after_change(before, change.changes), breaker.servers())
        return dataclasses.replace(change, warnings=(*change.warnings, *left))
    return change


def pauses_left(before: Snapshot, after: Snapshot, states: Iterable[ServerState]) -> tuple[str, ...]:
    """Sentences on servers that are paused and, by changed options, become others, which are not.

    Args:
        before: The options that the pauses were made under.
        after: The options once they are changed; a secret that differs may be masked in them.
        states: What the breaker knows.
    """
    paused = {state.fingerprint for state in states if state.state == "paused"}
    found = []
    for name in SERVER_NAMES:
        old, new = server_of(before, name), server_of(after, name)
        if old and new and old.fingerprint in paused and new.fingerprint not in paused:
            found.append(
                f"{GROUPS[name]}: it is paused, and with these options it is another server, which is not: "
                f"`notify server pause {name} --reason TEXT`"
            )
    return tuple(found)


def _also(snapshot: Snapshot, server: Server) -> tuple[ServerName, ...]:
    others = ((name, server_of(snapshot, name)) for name in SERVER_NAMES if name != server.name)
    return tuple(name for name, other in others if other and other.fingerprint == server.fingerprint)
