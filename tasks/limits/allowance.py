"""What the options allow for a server's account."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from settings_store.snapshot import Snapshot
from tasks.limits.account import account_of
from tasks.routing import servers_in_use
from tasks.server import Server


@dataclass(frozen=True, slots=True)
class Allowance:
    """The limits of an account; 0 is no limit.

    Attributes:
        messages_per_minute: For all workers together, in any minute.
        connections: For all workers together, at once.
    """

    messages_per_minute: int = 0
    connections: int = 0

    @property
    def is_unlimited(self) -> bool:
        """Whether there is nothing to ask for."""
        return not self.messages_per_minute and not self.connections


def allowance_for(snapshot: Snapshot, server: Server) -> Allowance:
    """The limits of the account that a server is used under.

    Servers in use that share host and mailbox are one account, and the lowest limit of them holds.
    """
    account = account_of(server)
    names = {server.name} | {each.name for each in servers_in_use(snapshot) if account_of(each) == account}
    return Allowance(
        messages_per_minute=_lowest(snapshot.number(f"limits.{name}_messages_per_minute") for name in names),
        connections=_lowest(snapshot.number(f"limits.{name}_connections") for name in names),
    )


def _lowest(limits: Iterable[int]) -> int:
    return min((limit for limit in limits if limit), default=0)
