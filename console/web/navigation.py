"""The pages that the head of every page leads to, and who sees which."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from console.serving.need import Need, Open
from settings_store.access import Principal, Privilege, may


@dataclass(frozen=True, slots=True)
class Entry:
    """One of them.

    Attributes:
        label: Its name.
        path: Where it is.
        need: What its page demands.
    """

    label: str
    path: str
    need: Need


ENTRIES: Final = (
    Entry("Overview", "/", Open.SIGNED_IN),
    Entry("Messages", "/messages", Privilege.VIEW_NOTIFICATIONS),
    Entry("Settings", "/settings", Privilege.VIEW_SERVER_OPTIONS),
    Entry("Servers", "/servers", Privilege.VIEW_SERVER_OPTIONS),
    Entry("Audit", "/audit", Privilege.ADMINISTER),
    Entry("Accounts", "/accounts", Privilege.ADMINISTER),
)


def entries_for(principal: Principal, is_there: Callable[[str], bool]) -> list[Entry]:
    """What somebody may see, of the pages that this console has."""
    return [
        entry
        for entry in ENTRIES
        if is_there(entry.path) and (entry.need is Open.SIGNED_IN or may_see(principal, entry.need))
    ]


def is_current(entry: Entry, path: str) -> bool:
    """Whether a page is this entry's, or below it."""
    return path == entry.path or (entry.path != "/" and path.startswith(f"{entry.path}/"))


def may_see(principal: Principal, need: Need) -> bool:
    """Whether somebody who has signed in meets a demand."""
    return may(principal, need) if isinstance(need, Privilege) else True
