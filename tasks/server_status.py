"""The four servers as an operator sees them: what is set, what the breaker says, how the last test went."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, get_args

from settings_store.snapshot import Snapshot
from tasks.breaker import ServerState
from tasks.fallback import Standing, standing
from tasks.limits import Allowance, Usage, account_of, allowance_for
from tasks.routing import Route, route, server_of
from tasks.server import Channel, Server, ServerName
from tasks.server_test.report import LastTest

SERVER_NAMES: Final[tuple[ServerName, ...]] = get_args(ServerName)
_CHANNELS: Final[tuple[Channel, ...]] = get_args(Channel)
_NOT_READ: Final[Mapping[str, Usage]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """One server, whether or not it is set.

    Attributes:
        name: Which of the four.
        server: Where it is; None while its name is blank.
        places: Its place in each channel's chain, from 1; empty where no channel uses it.
        same_as: The server before it that it is, so that it is no second try; None where there is none.
        state: What the breaker says; None where it knows nothing of it, which means that it may be used.
        messages_per_minute: Its limit, or the lowest of those in use that share its host and mailbox;
            0 is none.
        connections: The same at once.
        usage: What is used of both; nothing where that was not read.
        last_test: Its last test; None where there was none.
    """

    name: ServerName
    server: Server | None
    places: Mapping[Channel, int]
    same_as: ServerName | None
    state: ServerState | None
    messages_per_minute: int
    connections: int
    usage: Usage
    last_test: LastTest | None

    @property
    def tested_as_it_is(self) -> bool:
        """Whether the last test was of this very server, and not of other options."""
        return (
            self.server is not None
            and self.last_test is not None
            and self.last_test.fingerprint == self.server.fingerprint
        )


def server_statuses(
    snapshot: Snapshot,
    states: Iterable[ServerState],
    last_tests: Mapping[str, LastTest],
    usages: Mapping[str, Usage] = _NOT_READ,
) -> list[ServerStatus]:
    """The four servers in their order: a pure function of what was read.

    Args:
        snapshot: The options.
        states: From the breaker.
        last_tests: By the server's name.
        usages: Of the limits, by account.
    """
    by_fingerprint = {state.fingerprint: state for state in states}
    routes = {channel: route(snapshot, channel) for channel in _CHANNELS}
    servers = {name: server_of(snapshot, name) for name in SERVER_NAMES}
    allowed = {name: _allowance(snapshot, name, server) for name, server in servers.items()}
    return [
        ServerStatus(
            name=name,
            server=server,
            places=_places(name, routes),
            same_as=_twin(name, servers),
            state=by_fingerprint.get(server.fingerprint) if server else None,
            messages_per_minute=allowed[name].messages_per_minute,
            connections=allowed[name].connections,
            usage=usages.get(account_of(server), Usage()) if server else Usage(),
            last_test=last_tests.get(name),
        )
        for name, server in servers.items()
    ]


def _allowance(snapshot: Snapshot, name: ServerName, server: Server | None) -> Allowance:
    if server is not None:
        return allowance_for(snapshot, server)
    return Allowance(
        messages_per_minute=snapshot.number(f"limits.{name}_messages_per_minute"),
        connections=snapshot.number(f"limits.{name}_connections"),
    )


def standings(snapshot: Snapshot, states: Iterable[ServerState]) -> tuple[Standing, ...]:
    """How each channel stands: whether its first server carries, a later one, or none."""
    known = {state.fingerprint: state for state in states}
    return tuple(standing(channel, route(snapshot, channel), known) for channel in _CHANNELS)


def _places(name: ServerName, routes: Mapping[Channel, Route]) -> dict[Channel, int]:
    return {
        channel: place
        for channel, planned in routes.items()
        for place, hop in enumerate(planned.chain, start=1)
        if hop.server.name == name
    }


def _twin(name: ServerName, servers: Mapping[ServerName, Server | None]) -> ServerName | None:
    own = servers[name]
    before = SERVER_NAMES[: SERVER_NAMES.index(name)]
    return next(
        (
            other
            for other in before
            if own is not None
            and (twin := servers[other]) is not None
            and twin.fingerprint == own.fingerprint
        ),
        None,
    )
