"""Scripts that are asked in one round trip: a question, and others that go along with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from redis.commands.core import Script

from tasks.round_trip import Call, RoundTrips

T = TypeVar("T")


class Question(Generic[T]):
    """A script to be run, and how its answer is read. It may be asked again, as every script of ours may.

    Attributes:
        answer: What came of it; None before that, and where it failed.
    """

    def __init__(self, script: Script, arguments: Sequence[str | int], read: Callable[[Any], T]) -> None:
        self.answer: T | None = None
        self._script = script
        self._arguments = arguments
        self._read = read

    @property
    def call(self) -> Call:
        """What is run."""
        return self._script, self._arguments

    def take(self, raw: Any) -> None:
        """Take the answer; an error leaves the question open."""
        self.answer = None if isinstance(raw, Exception) else self._read(raw)


def ask(trips: RoundTrips, first: Question[T], beside: Sequence[Question[Any]]) -> T:
    """The answer to a question; those beside it are asked in the same round trip, after it.

    Raises:
        redis.RedisError: Redis did not answer, or refused the first. One of the others that failed is open,
            and whoever needs it asks again.
    """
    questions = (first, *beside)
    answers = trips.run([question.call for question in questions])
    for question, answer in zip(questions, answers, strict=True):
        question.take(answer)
    if isinstance(answers[0], Exception):
        raise answers[0]
    return first.answer  # type: ignore[return-value]  # it was taken just now, and is no error
