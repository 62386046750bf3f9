"""E-mail-to-SMS gateways of carriers that ended, or are about to: mail to them is lost without a word.

The dates are those that carriers gave in public by November 2026 (T-Mobile, AT&T, Verizon). Gateways that are
paid for, and those of other carriers, go on.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_T_MOBILE: Final = "T-Mobile ended its e-mail gateway in December 2024"
_ATT: Final = "AT&T ended its e-mail gateway on 17 June 2025"
_VERIZON: Final = "Verizon ends its e-mail gateway on 31 March 2027, and loses mail already"

#: By domain, what became of the gateway.
ENDED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "tmomail.net": _T_MOBILE,
        "txt.att.net": _ATT,
        "mms.att.net": _ATT,
        "vtext.com": _VERIZON,
        "vzwpix.com": _VERIZON,
    }
)


def domain_of(address: str) -> str:
    """The domain of an address, in small letters; blank where it has none."""
    return address.rpartition("@")[2].strip().rstrip(".").lower() if "@" in address else ""
