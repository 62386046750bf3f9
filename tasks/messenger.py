"""What strands ask of Redis, in few round trips."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from greenlet import getcurrent, greenlet

from tasks.strands import Strands


@dataclass(slots=True)
class _Asked:
    """What one strand asks, and what came of it."""

    strand: greenlet
    commands: Sequence[Sequence[Any]]
    answers: list[Any] | Exception = field(default_factory=list)


class Messenger:
    """Asks for all strands: what is asked while answers are on their way goes together, after that.

    So the more there is to do, the more of it shares a write to the socket, a read, and the moment in which
    Redis has it on its disk.

    Args:
        together: The strands.
        exchange: Asks, and waits for the answers.
    """

    def __init__(self, together: Strands, exchange: Callable[[Sequence[Sequence[Any]]], list[Any]]) -> None:
        self._together = together
        self._exchange = exchange
        self._waiting: list[_Asked] = []
        self._is_under_way = False

    def ask(self, commands: Sequence[Sequence[Any]]) -> list[Any]:
        """The answers.

        Raises:
            redis.RedisError: Redis did not answer.
        """
        asked = _Asked(getcurrent(), commands)
        self._waiting.append(asked)
        if not self._is_under_way:
            self._is_under_way = True
            self._together.begin(self._carry)
        self._together.park()
        if isinstance(asked.answers, Exception):
            raise asked.answers
        return asked.answers

    def _carry(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting, []
            try:
                answers = iter(self._exchange([command for asked in group for command in asked.commands]))
                for asked in group:
                    asked.answers = [next(answers) for _ in asked.commands]
            except Exception as error:  # noqa: BLE001  # whatever it is, it belongs to those who wait
                for asked in group:
                    asked.answers = error
            for asked in group:
                self._together.wake(asked.strand)
        self._is_under_way = False
