"""What a pass saw on its way along the servers, for deciding what comes next and for telling why."""

from __future__ import annotations

from dataclasses import dataclass, field

from tasks.breaker import Permission


@dataclass(slots=True)
class Walked:
    """The way so far; it goes on where the options change in mid-pass.

    Attributes:
        spent: Whether a server did anything but ask for patience: then it was a pass.
        delivered_by: The server that took it last, if any did.
        troubles: The last trouble with each server, by name, for the operator.
        passed_over: Fingerprints of servers that are not tried again in this pass.
        out_of_time: Whether recipients were left because the pass took too long.
        waits_until_ms: When the server may be tried again that everything still open waits for; 0 = none.
        waits_under: What others call it by meanwhile; blank where nobody does.
        lacks_connection: Whether that is because there was no connection to be had.
        freed_line: Whose first may have the connection that this pass had; blank where nobody waits for it.
        barred: Servers that were left alone because their breaker says so, by fingerprint.
    """

    spent: bool = False
    delivered_by: str = ""
    troubles: dict[str, str] = field(default_factory=dict)
    passed_over: set[str] = field(default_factory=set)
    out_of_time: bool = False
    waits_until_ms: int = 0
    waits_under: str = ""
    lacks_connection: bool = False
    freed_line: str = ""
    barred: dict[str, Permission] = field(default_factory=dict)

    @property
    def waits_for(self) -> tuple[str, ...]:
        """What lets it go on before its time: servers that may be used again, or another limit."""
        return (*self.barred, *((self.waits_under,) if self.waits_under else ()))

    @property
    def reason(self) -> str:
        """One line of what happened: who took it, and the trouble with the others."""
        told = [f"{server}: {trouble}" for server, trouble in self.troubles.items()]
        if self.out_of_time:
            told.append("the pass took too long to ask for everybody")
        troubles = "; ".join(told)
        if not self.delivered_by:
            return troubles
        return f"by {self.delivered_by}" + (f" ({troubles})" if troubles else "")
