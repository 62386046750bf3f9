"""A ledger whose calls and replies get lost, and whose callers die."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import redis

from tasks.ledger import Ledger
from tests.rigs.clock import TEST_CLOCK

#: Before the call reached Redis, or after it was carried out; "dies": the caller ends and learns of nothing.
Loss = Literal["before", "after", "dies before", "dies after"]


class WorkerDied(Exception):
    """Stands for the end of a worker's process in mid-pass."""


class Losing(Ledger):
    """Loses calls before they reach Redis, or their replies.

    Attributes:
        losses: What becomes of the next calls of a name, used up in order; then they go well.
        pauses: For a deliverer to note how long it slept between two tries.
    """

    def __init__(self, client: redis.Redis) -> None:
        super().__init__(client, clock=TEST_CLOCK)
        self.losses: dict[str, list[Loss | None]] = {}
        self.pauses: list[float] = []

    def _lossy(self, name: str, call: Callable[[], Any]) -> Any:
        left = self.losses.get(name)
        loss = left.pop(0) if left else None
        if loss is None:
            return call()
        if loss.endswith("after"):
            call()
        if loss.startswith("dies"):
            raise WorkerDied
        raise redis.ConnectionError("PLANTED words of the library")

    def accept(self, *args: Any, **named: Any) -> Any:
        accept = super().accept
        return self._lossy("accept", lambda: accept(*args, **named))

    def claim(self, *args: Any, **named: Any) -> Any:
        claim = super().claim
        return self._lossy("claim", lambda: claim(*args, **named))

    def intend(self, *args: Any, **named: Any) -> Any:
        intend = super().intend
        return self._lossy("intend", lambda: intend(*args, **named))

    def record(self, *args: Any, **named: Any) -> Any:
        record = super().record
        return self._lossy("record", lambda: record(*args, **named))

    def finish(self, *args: Any, **named: Any) -> Any:
        finish = super().finish
        return self._lossy("finish", lambda: finish(*args, **named))
