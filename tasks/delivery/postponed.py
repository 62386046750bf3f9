"""An attempt that was not begun, because it is not its turn: no failure of anybody, and no try."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Postponed:
    """When it is worth coming back.

    Attributes:
        until_ms: In Unix milliseconds, by Redis' clock.
        reason: Why, in words for the operator.
        waits_under: What others call it by: the line for a connection, or a turn that another limit would
            bring nearer; blank where nobody calls.
        lacks_connection: Whether there is no connection to be had now, for this or any other message.
    """

    until_ms: int
    reason: str
    waits_under: str = ""
    lacks_connection: bool = False
