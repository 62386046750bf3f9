"""The four servers as cards: how each stands, in an operator's words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from console.presenting.limit_words import limits_used
from console.presenting.server_json import sign_in_kind
from settings_store.catalog import GROUPS
from tasks.fallback import Standing
from tasks.ledger import LedgerQueries, MessageFilter
from tasks.server import ServerName, Tls
from tasks.server_status import ServerStatus

TLS_WORDS: Final[Mapping[str, str]] = {
    Tls.NONE.value: "no TLS",
    Tls.STARTTLS.value: "STARTTLS",
    Tls.IMPLICIT.value: "TLS from the first byte",
}
SIGN_IN_WORDS: Final[Mapping[str, str]] = {
    "none": "no sign-in",
    "basic": "sign-in by password",
    "oauth": "sign-in by token",
}
CHANNEL_WORDS: Final[Mapping[str, str]] = {"email": "e-mail", "text": "texts"}
#: The traffic of a server is that of so long.
TRAFFIC_HOURS: Final = 24
_STATES: Final[Mapping[str, tuple[str, str]]] = {
    "closed": ("in use", "good"),
    "open": ("passed over", "bad"),
    "half_open": ("being tested", "warn"),
    "paused": ("paused", "warn"),
}
_ORDINALS: Final[Mapping[int, str]] = {1: "first", 2: "second"}


@dataclass(frozen=True, slots=True)
class Traffic:
    """How many notifications of the last hours were tried by a server.

    Attributes:
        tried: How many; at least so many where not `is_exact`.
        of: How many there were altogether.
        is_exact: Whether everything was counted.
    """

    tried: int
    of: int
    is_exact: bool

    @property
    def percent(self) -> int:
        """The share, to the next whole percent."""
        return round(100 * self.tried / self.of) if self.of else 0


@dataclass(frozen=True, slots=True)
class Card:
    """One server.

    Attributes:
        status: What is known of it.
        title: Its name.
        state: Its state in words.
        tone: Of the state: `good`, `bad`, `warn` or blank.
        where: Host, port, TLS and sign-in; blank where it is not set.
        uses: For which channels it is, and in which place.
        limits: How much of them is used; blank where there is none.
        traffic: Of the last hours; None where it is not set, or for who may not see notifications.
    """

    status: ServerStatus
    title: str
    state: str
    tone: str
    where: str
    uses: str
    limits: str
    traffic: Traffic | None

    @property
    def is_paused(self) -> bool:
        """Whether somebody keeps all workers from it."""
        return self.status.state is not None and self.status.state.state == "paused"

    @property
    def is_passed_over(self) -> bool:
        """Whether it is left alone because it failed."""
        return self.status.state is not None and self.status.state.state in {"open", "half_open"}


def cards_of(statuses: Sequence[ServerStatus], traffic: Mapping[ServerName, Traffic]) -> list[Card]:
    """The cards in the order of the servers."""
    return [_card(status, traffic.get(status.name)) for status in statuses]


def traffic_of(
    queries: LedgerQueries, names: Sequence[ServerName], *, now_ms: int
) -> dict[ServerName, Traffic]:
    """How much each server had to do, as far as the ledger still knows."""
    since_ms = now_ms - TRAFFIC_HOURS * 3_600_000
    everything = queries.search(MessageFilter(since_ms=since_ms), limit=1)
    found = {}
    for name in names:
        page = queries.search(MessageFilter(since_ms=since_ms, server=name), limit=1)
        exact = page.total_is_exact and everything.total_is_exact
        found[name] = Traffic(page.total, max(everything.total, page.total), exact)
    return found


def warnings_of(standings: Iterable[Standing]) -> list[tuple[str, str]]:
    """What is told of channels that do not go as they are meant to, each with its tone.

    Where e-mail and texts go the same way it is told once.
    """
    alike: dict[tuple[str, str, str, str], list[str]] = {}
    for each in standings:
        if each.condition in {"fallback", "down"}:
            key = (each.condition, each.links[0].server, each.carrier or "", each.reason)
            alike.setdefault(key, []).append(CHANNEL_WORDS[each.channel])
    return [_warning(key, channels) for key, channels in alike.items()]


def _warning(key: tuple[str, str, str, str], channels: Sequence[str]) -> tuple[str, str]:
    condition, first, carrier, reason = key
    what = " and ".join(channels)
    what = what[:1].upper() + what[1:]
    one = list(channels) == [CHANNEL_WORDS["email"]]
    if condition == "fallback":
        go = "goes" if one else "go"
        return f"{what} {go} by {GROUPS[carrier]}, because {GROUPS[first]} is left alone: {reason}.", "note"
    return f"{what} {'waits' if one else 'wait'}: no server may be used now ({reason}).", "fault"


def _card(status: ServerStatus, traffic: Traffic | None) -> Card:
    server = status.server
    if server is None:
        return Card(status, GROUPS[status.name], "not set", "", "", "", "", None)
    state, tone = _STATES[status.state.state if status.state else "closed"]
    if not status.places:
        state, tone = "not used", ""
    uses = [f"{CHANNEL_WORDS[channel]} {_ORDINALS[place]}" for channel, place in status.places.items()]
    return Card(
        status,
        GROUPS[status.name],
        state,
        tone,
        f"{server.host}:{server.port}, {TLS_WORDS[server.tls.value]}, {SIGN_IN_WORDS[sign_in_kind(server)]}",
        f"For {', '.join(uses)}" if uses else _why_unused(status),
        limits_used(status),
        traffic,
    )


def _why_unused(status: ServerStatus) -> str:
    if status.same_as:
        return f"Not used: it is the same as {GROUPS[status.same_as]}"
    return "Not used: Primary Email is not set"
