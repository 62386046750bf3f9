"""What a process counts of its own work; whoever shows the counts gives a tally that keeps them."""

from __future__ import annotations

from typing import Protocol

from tasks.ledger import Priority
from tasks.server import Channel


class Tally(Protocol):
    """Hears of work as it is done. Nothing that it is told holds an address or a text."""

    def accepted(self, channel: Channel, priority: Priority) -> None:
        """A notification was recorded that was not there before."""

    def attempted(self, server: str, stage: str, verdict: str) -> None:
        """A server did something with a message, or with one of its recipients."""

    def delivered(self, channel: Channel, seconds: float) -> None:
        """A server took a message.

        Args:
            channel: E-mail or text.
            seconds: Since the notification was accepted, or since its `not_before`.
        """

    def connections(self, server: str, busy: int, idle: int) -> None:
        """So many connections to a server are used and kept by this process now."""


class NoTally:
    """Keeps nothing; for a process that nobody asks, such as a command."""

    def accepted(self, channel: Channel, priority: Priority) -> None:
        """Nothing."""

    def attempted(self, server: str, stage: str, verdict: str) -> None:
        """Nothing."""

    def delivered(self, channel: Channel, seconds: float) -> None:
        """Nothing."""

    def connections(self, server: str, busy: int, idle: int) -> None:
        """Nothing."""
