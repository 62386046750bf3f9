"""The lines in which notifications wait for connections: whoever is done with one takes the first of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from settings_store.snapshot import Snapshot
from tasks.limits.account import account_of
from tasks.limits.allowance import Allowance, allowance_for
from tasks.routing import servers_in_use
from tasks.server import Server

#: All names under which something waits for limits begin alike, and no account's hash goes on so.
_FIRST: Final = "limit-connections-"


@dataclass(frozen=True, slots=True)
class Line:
    """Those that wait for one of the connections to a server that an account is allowed.

    Attributes:
        account: Whose connections are counted.
        connections: So many there may be.
    """

    account: str
    connections: int


def line_for(server: Server, allowance: Allowance) -> str:
    """The name of the line for connections to a server; blank where there may be any number of them.

    A connection serves messages by the very same server alone, so an account may have several lines.
    """
    if not allowance.connections:
        return ""
    return f"{_FIRST}{account_of(server)}-{allowance.connections}-{server.fingerprint}"


def is_line(name: str) -> bool:
    """Whether a name that something waits under is one of these."""
    return name.startswith(_FIRST)


def server_of_line(name: str) -> str:
    """The fingerprint of the server that a line waits for."""
    return name.rpartition("-")[2]


def lines_of(snapshot: Snapshot) -> Mapping[str, Line]:
    """The lines that there are by these options, by name."""
    lines: dict[str, Line] = {}
    for server in servers_in_use(snapshot):
        allowance = allowance_for(snapshot, server)
        if name := line_for(server, allowance):
            lines[name] = Line(account_of(server), allowance.connections)
    return lines
