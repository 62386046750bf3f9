"""Scripts that are asked in one round trip: a question, and others that go along with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

import redis
from redis.commands.core import Script

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
    def script(self) -> Script:
        """What is run."""
        return self._script

    def put_into(self, pipeline: Any) -> None:
        """Add it to what is sent."""
        pipeline.evalsha(self._script.sha, 0, *self._arguments)

    def take(self, raw: Any) -> None:
        """Take the answer; an error leaves the question open."""
        self.answer = None if isinstance(raw, Exception) else self._read(raw)


def ask(client: redis.Redis, first: Question[T], beside: Sequence[Question[Any]]) -> T:
    """The answer to a question; those beside it are asked in the same round trip, after it.

    Raises:
        redis.RedisError: Redis did not answer, or refused the first. One of the others that failed is open,
            and whoever needs it asks again.
    """
    questions = (first, *beside)
    raw = _together(client, questions)
    if any(isinstance(each, redis.exceptions.NoScriptError) for each in raw):
        for question in questions:
            client.script_load(question.script.script)
        raw = _together(client, questions)
    for question, each in zip(questions, raw, strict=True):
        question.take(each)
    if isinstance(raw[0], Exception):
        raise raw[0]
    return first.answer  # type: ignore[return-value]  # it was taken just now, and is no error


def _together(client: redis.Redis, questions: Sequence[Question[Any]]) -> list[Any]:
    pipeline = client.pipeline(transaction=False)
    for question in questions:
        question.put_into(pipeline)
    return pipeline.execute(raise_on_error=False)
