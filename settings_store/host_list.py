r"""The kind of an option that lists hosts, and shares of hosts.

An entry is one of
    host            files01, files01.corp.example or an IPv4 address, exactly as paths name it
    *.domain        every host below a domain, not the domain itself
    \\host\share    one share of such a host or domain; the only form that names a hidden share such as D$
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from settings_store.kinds import TEXT_MAXIMUM_CHARACTERS, Refused, check_text

HOST_MAXIMUM_CHARACTERS: Final = 253
SHARE_MAXIMUM_CHARACTERS: Final = 80
#: What no share name may hold, by Windows' rules; slashes and separators of this list are among them.
SHARE_REFUSED: Final = frozenset('"/\\[]:|<>+=;,?*')

#: NetBIOS names may have underscores, so DNS' stricter rule does not do.
_LABEL: Final = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST: Final = re.compile(rf"{_LABEL}(\.{_LABEL})*")
_NUMBER: Final = re.compile(r"([0-9]+|0x[0-9a-f]*)")
_SEPARATORS: Final = re.compile(r"[,;\n]")


@dataclass(frozen=True, slots=True)
class HostEntry:
    """One entry of a list.

    Attributes:
        host: A host's name in lower case, or a domain's where `is_domain`.
        is_domain: Whether every host below the domain is meant.
        share: In lower case; blank means every share that is not hidden.
    """

    host: str
    is_domain: bool = False
    share: str = ""

    def __str__(self) -> str:
        """The entry as it is stored."""
        host = f"*.{self.host}" if self.is_domain else self.host
        return rf"\\{host}\{self.share}" if self.share else host


@dataclass(frozen=True, slots=True)
class HostList:
    """Hosts and shares, separated by commas; blank is an empty list."""

    @property
    def valid(self) -> str:
        """The forms."""
        return r"hosts, `*.domain` and `\\host\share`, separated by commas"

    @property
    def allowed(self) -> str:
        """The forms in full."""
        return f"{self.valid}; a host is a name or an IPv4 address, without port, user or path"

    def parse(self, raw: object) -> str:
        """Take entries in any order and case, each once; blank is allowed."""
        text = raw.replace("\n", ",") if isinstance(raw, str) else raw
        checked = check_text(text, maximum_characters=TEXT_MAXIMUM_CHARACTERS)
        listed = ", ".join(dict.fromkeys(str(entry) for entry in entries_of(checked)))
        if len(listed) > TEXT_MAXIMUM_CHARACTERS:
            raise Refused(f"has {len(listed)} characters")
        return listed


def entries_of(text: str) -> tuple[HostEntry, ...]:
    """The entries of a list as it is stored or typed.

    Raises:
        Refused: One of them has none of the forms; the message says which, by its place.
    """
    given = [part.strip() for part in _SEPARATORS.split(text)]
    return tuple(_entry(part, place) for place, part in enumerate(filter(None, given), start=1))


def is_host(name: str) -> bool:
    """Whether a text, in any case, is a host's name or an IPv4 address."""
    folded = name.lower()
    return len(folded) <= HOST_MAXIMUM_CHARACTERS and _HOST.fullmatch(folded) is not None


def is_share(name: str) -> bool:
    """Whether a text may be the name of a share."""
    return (
        0 < len(name) <= SHARE_MAXIMUM_CHARACTERS
        and not SHARE_REFUSED.intersection(name)
        and name == name.strip(" .")
    )


def _entry(text: str, place: int) -> HostEntry:
    folded = text.replace("/", "\\").lower()
    host, share = folded, ""
    if folded.startswith("\\\\"):
        host, _, share = folded.removeprefix("\\\\").partition("\\")
        share = share.removesuffix("\\")
        if not is_share(share):
            raise Refused(f"names no share in entry {place}")
    is_domain = host.startswith("*.")
    host = host.removeprefix("*.")
    if not is_host(host):
        raise Refused(f"has no host in entry {place}")
    if is_domain and _NUMBER.fullmatch(host.rpartition(".")[2]):
        raise Refused(f"has a star before an address in entry {place}")
    return HostEntry(host, is_domain, share)
