"""How long each step of a delivery may take."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds per step; every one of them is the total for its step, however slowly bytes arrive.

    Raises:
        ValueError: A value is not above 0.

    Attributes:
        resolve_seconds: To find the addresses of a name.
        connect_seconds: For the TCP connection, over all addresses of the name; and again for the handshake.
        reply_seconds: For the greeting, and for the reply to a command.
        data_start_seconds: For the reply to DATA.
        block_seconds: To hand over each block of at most 256 kB of the text.
        final_seconds: For the reply to the final dot. Too short makes duplicates: RFC 5321 4.5.3.2.6 asks for
            ten minutes, because a server may do much work there.
        quit_seconds: For the reply to QUIT, which nobody needs.
    """

    resolve_seconds: float = 10.0
    connect_seconds: float = 10.0
    reply_seconds: float = 30.0
    data_start_seconds: float = 60.0
    block_seconds: float = 60.0
    final_seconds: float = 300.0
    quit_seconds: float = 1.0

    def __post_init__(self) -> None:
        for each in fields(self):
            if not getattr(self, each.name) > 0:
                raise ValueError(f"{each.name} must be above 0")
