"""The kind of option that holds mail addresses, of those whom the notifier itself tells of something."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from settings_store.kinds import TEXT_MAXIMUM_CHARACTERS, Refused, check_text

ADDRESSES_MAXIMUM: Final = 20
_ADDRESS_MAXIMUM_CHARACTERS: Final = 254
_ATOM: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS: Final = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})*")
_PARTED: Final = re.compile(r"[;,]")


@dataclass(frozen=True, slots=True)
class AddressList:
    """Mail addresses in one line, stored as `a@b; c@d`, repetitions left out; blank is nobody."""

    @property
    def valid(self) -> str:
        """How many, and what parts them."""
        return f"up to {ADDRESSES_MAXIMUM} addresses, parted by ;"

    @property
    def allowed(self) -> str:
        """What one address is."""
        return f"{self.valid}: each name@domain in ASCII, without a display name; blank is nobody"

    def parse(self, raw: object) -> str:
        """Take addresses parted by ; or , with or without blanks."""
        text = check_text(raw, maximum_characters=TEXT_MAXIMUM_CHARACTERS)
        found: dict[str, None] = {}
        for place, part in enumerate((part for part in _PARTED.split(text) if part.strip()), start=1):
            address = part.strip()
            if len(address) > _ADDRESS_MAXIMUM_CHARACTERS or not _ADDRESS.fullmatch(address):
                raise Refused(f"has something that is no address in place {place}")
            found[address] = None
        if len(found) > ADDRESSES_MAXIMUM:
            raise Refused(f"has {len(found)} addresses")
        return "; ".join(found)


def addresses_in(value: str) -> tuple[str, ...]:
    """The addresses of a stored value."""
    return tuple(part.strip() for part in value.split(";") if part.strip())
