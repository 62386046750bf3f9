"""Whether a share may be gone to, decided before anything is asked of its host."""

from __future__ import annotations

from dataclasses import dataclass

from settings_store.host_list import HostEntry, entries_of


@dataclass(frozen=True, slots=True)
class AllowList:
    """The hosts and shares that may be gone to; an empty list allows none."""

    entries: tuple[HostEntry, ...] = ()

    @classmethod
    def of(cls, text: str) -> AllowList:
        """The list of an option's value."""
        return cls(entries_of(text))

    def refusal(self, host: str, share: str) -> str:
        """Why a share may not be gone to, with the command that allows it; blank where it may."""
        named = [entry for entry in self.entries if _covers(entry, host.lower())]
        if not named:
            return f"the host {host} is not allowed; this allows it: notify share allow {host} --reason TEXT"
        if any(entry.share == share.lower() or not (entry.share or share.endswith("$")) for entry in named):
            return ""
        place = rf"\\{host}\{share}"
        return f"the share {place} is not allowed; this allows it: notify share allow '{place}' --reason TEXT"


def _covers(entry: HostEntry, host: str) -> bool:
    return host.endswith(f".{entry.host}") if entry.is_domain else host == entry.host
