"""Entries of a timeline that say the same of many recipients, put together into one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

#: What must be alike. The server's words are not: they mostly quote the one address.
_ALIKE: Final = (
    "pass",
    "server",
    "verdict",
    "stage",
    "code",
    "enhanced",
    "reason",
    "revision",
    "rule",
    "next_at",
)
#: Verdicts that speak of one recipient each.
_OF_ONE: Final = frozenset({"recipient_refused", "recipient_waits"})


def grouped(timeline: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The timeline in its order; what a server said alike of many recipients is one entry.

    Such an entry has the first one's time and words, all their places in `indexes`, and their number in
    `alike`.
    """
    groups: dict[tuple[Any, ...], dict[str, Any]] = {}
    entries: list[Mapping[str, Any]] = []
    for entry in timeline:
        places = entry.get("indexes")
        if entry.get("verdict") not in _OF_ONE or not isinstance(places, list):
            entries.append(entry)
            continue
        key = tuple(entry.get(name) for name in _ALIKE)
        if key in groups:
            groups[key]["indexes"] += places
            groups[key]["alike"] += 1
        else:
            groups[key] = {**entry, "indexes": list(places), "alike": 1}
            entries.append(groups[key])
    return entries
