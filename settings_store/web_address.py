"""The kind of option that holds an address on the web. It is a secret: such addresses carry keys in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from settings_store.kinds import SEALED, Refused, Secret

_ADDRESS: Final = re.compile(r"https?://[^\s/?#@]+(?:[/?#]\S*)?", re.IGNORECASE)


def is_web_address(text: str) -> bool:
    """Whether it is one that can be posted to: http or https, with a host, without user and password."""
    return _ADDRESS.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class WebAddress(Secret):
    """An http or https address, sealed before it is stored and never shown again; blank is none."""

    encrypted_only: bool = False
    page_valid: str = "http or https address"

    def parse(self, raw: object) -> str:
        """Take an address, what `notify encrypt` made of one, or blank."""
        text = Secret.parse(self, raw).strip()
        if text and not SEALED.match(text) and not is_web_address(text):
            raise Refused("is no http or https address")
        return text
