"""How much each server may be asked to do, by all workers together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from settings_store.kinds import Integer
from settings_store.option import Option

TITLE = "Limits"

_SERVERS: Mapping[str, str] = {
    "primary_email": "Primary Email",
    "secondary_email": "Secondary Email",
    "primary_sms": "Primary SMS",
    "secondary_sms": "Secondary SMS",
}


def _limits() -> Iterator[Option]:
    """The two limits of each server."""
    for server, title in _SERVERS.items():
        yield Option(
            f"limits.{server}_messages_per_minute",
            f"Messages per minute ({title})",
            Integer(0, 100_000, "messages"),
            0,
            f"How many messages all workers together may send by {title} in any minute; 0 is no limit. "
            "What is above it waits for its turn, which is no failure. Exchange Online allows a mailbox 30. "
            "Of 10 to 120, one is kept for what has high priority. "
            "Servers with the same host and mailbox are counted as one, and the lowest limit holds.",
        )
        yield Option(
            f"limits.{server}_connections",
            f"Connections at once ({title})",
            Integer(0, 1000, "connections"),
            0,
            f"How many links all workers together may have to {title} at once; 0 is no limit. "
            "While another worker waits for one, each is closed after its message. "
            "Exchange Online allows a mailbox 3. Counted as the limit per minute is.",
        )


OPTIONS: tuple[Option, ...] = tuple(_limits())
