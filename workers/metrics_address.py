"""Where a worker serves its metrics, as `NOTIFY_METRICS_PORT` says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from settings_store.environment import InvalidEnvironment

VARIABLE: Final = "NOTIFY_METRICS_PORT"
_LOOPBACK: Final = "127.0.0.1"
_HIGHEST_PORT: Final = 65535
_PORT: Final = re.compile("[0-9]{1,5}")


@dataclass(frozen=True, slots=True)
class MetricsAddress:
    """A host to listen on, and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def metrics_address(environ: Mapping[str, str]) -> MetricsAddress | None:
    """The address; None where metrics are off, as they are unless somebody turns them on.

    A port alone is served on loopback: metrics hold no secret, and are nobody else's business either.

    Raises:
        InvalidEnvironment: The variable is neither a port nor HOST:PORT.
    """
    text = environ.get(VARIABLE, "")
    if not text:
        return None
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not (_PORT.fullmatch(port) and 0 < int(port) <= _HIGHEST_PORT) or (colon and not host):
        raise InvalidEnvironment(
            f"{VARIABLE} must be a port from 1 to {_HIGHEST_PORT}, or HOST:PORT, for example 0.0.0.0:9464"
        )
    return MetricsAddress(host or _LOOPBACK, int(port))
