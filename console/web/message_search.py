"""Which messages a page shows, as its address says it: every filter is a part of the query."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, get_args
from urllib.parse import urlencode

from starlette.datastructures import ImmutableMultiDict

from console.cli.errors import BadInput
from console.cli.moment import moment
from tasks.ledger import STATES, MessageFilter
from tasks.ledger.records import Priority
from tasks.server import Channel, ServerName

#: What is typed as text, with its label and what it takes.
TEXT_FIELDS: Final[Mapping[str, tuple[str, str]]] = {
    "job": ("Job", ""),
    "schedule": ("Schedule", ""),
    "machine": ("Machine", ""),
    "recipient": ("Recipient", "ops@example.com"),
    "since": ("Since", "2h, 3d, or 2026-03-31T08:00Z"),
    "until": ("Until", "1h, or 2026-03-31T09:00Z"),
}
_CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "state": STATES,
    "channel": get_args(Channel),
    "server": get_args(ServerName),
    "priority": get_args(Priority),
    "twice": ("1",),
}
_MAXIMUM_CHARACTERS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Search:
    """What was asked for.

    Attributes:
        wanted: The filter.
        given: The parts of the query that it was made from, as typed.
        faults: By field, what cannot be used.
    """

    wanted: MessageFilter
    given: tuple[tuple[str, str], ...]
    faults: Mapping[str, str]

    @property
    def query(self) -> str:
        """The filter as the part of an address after the question mark."""
        return urlencode(self.given)

    def value(self, name: str) -> str:
        """What was typed into a field."""
        return next((value for key, value in self.given if key == name), "")

    def values(self, name: str) -> list[str]:
        """Every choice of a field."""
        return [value for key, value in self.given if key == name]


def search_of(query: ImmutableMultiDict[str, Any]) -> Search:
    """The filter of a query or a form; what it does not know is left out."""
    faults: dict[str, str] = {}
    given: list[tuple[str, str]] = []
    for name, value in query.multi_items():
        if not isinstance(value, str) or not value.strip() or len(value) > _MAXIMUM_CHARACTERS:
            continue
        if name in _CHOICES and value not in _CHOICES[name]:
            faults[name] = f"is none; allowed: {', '.join(_CHOICES[name])}"
        elif name in _CHOICES or name in TEXT_FIELDS:
            given.append((name, value.strip()))
    typed = dict(given)

    def time(name: str) -> int | None:
        if name not in typed:
            return None
        try:
            return int(moment(typed[name], name, "ago").timestamp() * 1000)
        except BadInput as error:
            faults[name] = str(error).partition(": ")[2]
            return None

    wanted = MessageFilter(
        states=frozenset(value for name, value in given if name == "state"),  # type: ignore[misc]  # seen above
        channel=typed.get("channel"),  # type: ignore[arg-type]
        priority=typed.get("priority"),  # type: ignore[arg-type]
        server=typed.get("server"),
        perhaps_twice="twice" in typed,
        since_ms=time("since"),
        until_ms=time("until"),
        **{name: typed.get(name) for name in ("job", "schedule", "machine", "recipient")},
    )
    return Search(wanted, tuple(given), faults)
