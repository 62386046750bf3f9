"""Which messages a page shows, as its address says it: every filter is a part of the query."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, get_args
from urllib.parse import urlencode

from starlette.datastructures import ImmutableMultiDict

from console.cli.errors import BadInput
from console.cli.moment import moment
from settings_store.catalog import GROUPS
from tasks.ledger import STATES, MessageFilter
from tasks.ledger.records import Priority
from tasks.server import Channel, ServerName

_CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "state": STATES,
    "channel": get_args(Channel),
    "server": get_args(ServerName),
    "priority": get_args(Priority),
    "twice": ("1",),
}
#: Every field, with its name on the page.
_LABELS: Final[Mapping[str, str]] = {
    "state": "State",
    "channel": "Channel",
    "server": "Tried by",
    "priority": "Priority",
    "twice": "Perhaps delivered twice",
    "job": "Job",
    "schedule": "Schedule",
    "machine": "Machine",
    "recipient": "Recipient",
    "since": "Accepted since",
    "until": "Accepted until",
}
_TIMES: Final = ("since", "until")
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

    @property
    def words(self) -> list[tuple[str, str]]:
        """The filter as a person reads it: what must hold, by label."""
        together: dict[str, list[str]] = {}
        for name, value in self.given:
            together.setdefault(name, []).append(GROUPS.get(value, value) if name == "server" else value)
        return [
            (_LABELS[name], "" if name == "twice" else " or ".join(values))
            for name, values in together.items()
        ]

    @property
    def faults_elsewhere(self) -> list[str]:
        """What cannot be used of fields that show no fault themselves."""
        return [f"{_LABELS[name]} {fault}" for name, fault in self.faults.items() if name not in _TIMES]

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
        if name not in _LABELS or not isinstance(value, str) or not value.strip():
            continue
        # Never left out in silence: what acts on all that match would act on more.
        if len(value) > _MAXIMUM_CHARACTERS:
            faults[name] = f"is too long; allowed: {_MAXIMUM_CHARACTERS:,} characters"
        elif name in _CHOICES and value not in _CHOICES[name]:
            faults[name] = f"is none; allowed: {', '.join(_CHOICES[name])}"
        else:
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
