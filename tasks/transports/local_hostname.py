"""The name with which we greet a server; found without DNS, which would be asked for every connection."""

from __future__ import annotations

import re
import socket

from tasks.transports.failure import InvalidLocalHostname

_NAME = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?:\.(?!-)[A-Za-z0-9-]{1,63})*", re.ASCII)
_LITERAL = re.compile(r"\[(?:IPv6:)?[0-9A-Fa-f.:]{2,45}\]", re.ASCII)
#: RFC 5321 4.1.4: who has no full name gives its address; ours beyond the next gateway is not known.
_UNKNOWN = "[127.0.0.1]"


def local_hostname(given: str | None) -> str:
    """The given name, else the machine's where it is a full one, else an address literal.

    Raises:
        InvalidLocalHostname: The given name is neither a host name nor an address literal.
    """
    if given is None:
        own = socket.gethostname()
        return own if "." in own and _NAME.fullmatch(own) else _UNKNOWN
    if not (_NAME.fullmatch(given) or _LITERAL.fullmatch(given)):
        raise InvalidLocalHostname(
            "local_hostname must be a host name of letters, digits, hyphens and dots, "
            "or an address in square brackets"
        )
    return given
