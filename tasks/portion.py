"""Some of many notifications: what is recorded in one step, made by the same options."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Final

from settings_store.snapshot import Snapshot
from tasks.entries import entry_of
from tasks.ledger import Entry
from tasks.notification import Notification

#: So many are recorded in one step, and not much more content than this: nothing else happens in Redis
#: meanwhile.
ACCEPT_AT_ONCE: Final = 200
ACCEPT_AT_ONCE_CHARACTERS: Final = 1_000_000


class Portion:
    """A portion, which may be empty.

    Attributes:
        among: How many are published about now.
        entries: What to record, by the place of its document.
    """

    def __init__(self, options: Callable[[], Snapshot], *, among: int) -> None:
        self._seen = options
        self.among = among
        self.entries: dict[int, Entry] = {}
        self._characters = 0

    @functools.cached_property
    def options(self) -> Snapshot:
        """The options; looked at where there is something to make by them."""
        return self._seen()

    @property
    def has_room(self) -> bool:
        """Whether one more may be added."""
        return len(self.entries) < ACCEPT_AT_ONCE and self._characters < ACCEPT_AT_ONCE_CHARACTERS

    def add(self, place: int, notification: Notification) -> None:
        """Add one."""
        entry = self.entries[place] = entry_of(notification, self.options)
        self._characters += len(entry.content)
