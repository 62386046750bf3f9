"""Whether mail goes the way it is meant to: a pure function of the route and of what the breaker knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from tasks.breaker import BreakerState
from tasks.routing import Route
from tasks.server import Channel, ServerName

#: well: the first server carries. fallback: it is left alone, and a later one carries. down: all are left
#: alone. unset: no server is configured, so that everything is held.
Condition = Literal["well", "fallback", "down", "unset"]


class Known(Protocol):
    """What the breaker says of a server; both `ServerState` and `Permission` do."""

    @property
    def state(self) -> BreakerState:
        """Its state."""

    @property
    def reason(self) -> str:
        """Why it is left alone, in words without addresses."""


@dataclass(frozen=True, slots=True)
class Link:
    """One server of a chain.

    Attributes:
        server: Its name.
        fingerprint: The server under its account.
        state: As the breaker has it; `closed` where it knows nothing.
        reason: Why it is left alone; blank where it is not.
    """

    server: ServerName
    fingerprint: str
    state: BreakerState
    reason: str


@dataclass(frozen=True, slots=True)
class Standing:
    """How a channel stands.

    Attributes:
        channel: E-mail or text.
        condition: Whether it is on the fallback.
        carrier: The server that is tried first now; None where none is.
        links: The chain.
    """

    channel: Channel
    condition: Condition
    carrier: ServerName | None
    links: tuple[Link, ...]

    @property
    def reason(self) -> str:
        """Why the first server does not carry; blank where it does, or where there is none."""
        return self.links[0].reason if self.condition in {"fallback", "down"} else ""


def standing(channel: Channel, route: Route, known: Mapping[str, Known]) -> Standing:
    """How a channel stands.

    Args:
        channel: E-mail or text.
        route: Its route by today's options.
        known: What the breaker says, by fingerprint; a server that is not there is as good as any.
    """
    links = tuple(
        Link(
            hop.server.name,
            hop.server.fingerprint,
            found.state if (found := known.get(hop.server.fingerprint)) else "closed",
            found.reason if found and found.state != "closed" else "",
        )
        for hop in route.chain
    )
    up = [place for place, link in enumerate(links) if link.state == "closed"]
    condition: Condition = "down"
    if not links:
        condition = "unset"
    elif up:
        condition = "fallback" if up[0] else "well"
    return Standing(channel, condition, links[up[0]].server if up else None, links)
