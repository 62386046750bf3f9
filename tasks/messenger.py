"""What strands ask of Redis, in few round trips."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import redis
from greenlet import getcurrent, greenlet

from tasks.strands import Strands


@dataclass(slots=True)
class _Asked:
    """What one strand asks, and what came of it."""

    strand: greenlet
    commands: Sequence[tuple[Any, ...]]
    answers: list[Any] | BaseException = field(default_factory=list)


class Messenger:
    """Asks for all strands: what is asked while answers are on their way goes together, after that.

    So the more there is to do, the more of it shares a write to the socket, a read, and the moment in which
    Redis has it on its disk. Whatever is asked is fit to be asked again, and so to be asked once for several.

    Args:
        together: The strands.
        exchange: Asks, and waits for the answers.
    """

    def __init__(self, together: Strands, exchange: Callable[[Sequence[tuple[Any, ...]]], list[Any]]) -> None:
        self._together = together
        self._exchange = exchange
        self._waiting: list[_Asked] = []
        self._is_under_way = False

    def ask(self, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
        """The answers.

        Raises:
            redis.RedisError: Redis did not answer.
            Exception: What kept these very commands from being asked.
        """
        asked = _Asked(getcurrent(), commands)
        self._waiting.append(asked)
        if not self._is_under_way:
            self._is_under_way = True
            self._together.begin(self._carry)
        self._together.park()
        if isinstance(asked.answers, BaseException):
            # The others raise the very same, each from where it asked.
            raise asked.answers.with_traceback(None)
        return asked.answers

    def _carry(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting, []
            try:
                self._ask_for(group)
            finally:
                for asked in group:
                    self._together.wake(asked.strand)
        self._is_under_way = False

    def _ask_for(self, group: Sequence[_Asked]) -> None:
        try:
            # What several ask alike, as whether a server may be used, is asked once.
            once = list(dict.fromkeys(command for asked in group for command in asked.commands))
            answers = dict(zip(once, self._exchange(once), strict=True))
            for asked in group:
                asked.answers = [answers[command] for command in asked.commands]
        except BaseException as error:  # noqa: BLE001  # whatever it is, it belongs to those who wait
            if len(group) == 1 or isinstance(error, redis.ConnectionError | redis.TimeoutError):
                for asked in group:
                    asked.answers = error
                return
            # No fault of Redis, but of something that one of them asks, as text that is none: it is to be
            # that one's alone. Whatever is asked may be asked again.
            for asked in group:
                self._ask_for([asked])
