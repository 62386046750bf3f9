"""How many connections a process has to each server, in use and kept."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final

#: Told the server's name, how many of its connections are used, and how many are kept and not used.
Watch = Callable[[str, int, int], object]


#: While some are used all the time, the numbers are told so often. Nobody looks at them more often than that,
#: and to tell them twice for each message is a fortieth of its cost.
TELL_EVERY_SECONDS: Final = 0.5


def unwatched(_server: str, _busy: int, _idle: int) -> None:
    """What hears of connections where nobody counts them."""


class ConnectionsInUse:
    """Tells whoever counts: at once when none is used any more, else now and then; safe between threads.

    Args:
        watch: Hears the numbers.
        idle: How many connections are kept, by the server's fingerprint.
        clock: Seconds that only grow.
    """

    def __init__(
        self, watch: Watch, idle: Callable[[], Mapping[str, int]], clock: Callable[[], float]
    ) -> None:
        self._watch = watch
        self._idle = idle
        self._clock = clock
        self._not_before: dict[str, float] = {}
        self._lock = threading.Lock()
        self._busy: Counter[str] = Counter()
        self._fingerprints: dict[str, str] = {}

    def begin(self, server: str, fingerprint: str) -> None:
        """A connection to a server is used from now on, or opened to be used."""
        self._change(server, fingerprint, 1)

    def end(self, server: str, fingerprint: str) -> None:
        """It is kept or closed."""
        self._change(server, fingerprint, -1)

    def busy(self, server: str) -> int:
        """How many connections to a server are used now."""
        return self._busy[server]

    def look(self) -> None:
        """Some that were kept were closed."""
        with self._lock:
            kept = self._idle()
            # With other options a server has another fingerprint; what is kept of the old one still counts.
            self._fingerprints = {each: name for each, name in self._fingerprints.items() if kept.get(each)}
            for server in self._busy:
                self._tell(server, kept)

    def _change(self, server: str, fingerprint: str, by: int) -> None:
        with self._lock:
            self._busy[server] += by
            now = self._clock()
            if self._busy[server] and now < self._not_before.get(server, 0.0):
                # Whoever uses it last tells, or whoever looks.
                self._fingerprints.setdefault(fingerprint, server)
                return
            self._not_before[server] = now + TELL_EVERY_SECONDS
            before = self._fingerprints.get(fingerprint, server)
            # Where two names are one server, what is kept shows under the one that was used last.
            self._fingerprints[fingerprint] = server
            kept = self._idle()
            for each in {before, server}:
                self._tell(each, kept)

    def _tell(self, server: str, kept: Mapping[str, int]) -> None:
        idle = sum(kept.get(each, 0) for each, name in self._fingerprints.items() if name == server)
        self._watch(server, self._busy[server], idle)
