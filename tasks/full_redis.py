"""A client for what must be written even while Redis is at its `maxmemory`.

A full Redis refuses every command that may need memory; inside a script it refuses none that follows a first
write. Where it refused, the client here gives the same commands again inside a script. It is for the broker
alone, and for what is bounded there: bells, of which a queue holds a thousand at most, notes of what is not
acknowledged, and the few keys of queues. Without it a worker could not even start on a full Redis, and what
was accepted could not be finished; and a message that was taken off its list would be lost, because the note
that it is not acknowledged is refused.
"""

from __future__ import annotations

import functools
from typing import Any, Final

import redis
from kombu.transport import redis as kombu_redis
from redis.client import Pipeline
from redis.commands.core import Script

#: ARGV: for each command how many words it has, and these. The first write deletes what never is.
_ALL_AT_ONCE: Final = """
redis.call('DEL', ARGV[3] .. ':-')
local answers, at = {}, 1
while at <= #ARGV do
  local last = at + tonumber(ARGV[at])
  answers[#answers + 1] = redis.call(unpack(ARGV, at + 1, last))
  at = last + 1
end
return answers
"""
#: What needs memory of all that kombu gives through a client.
_GROWING: Final = frozenset({"HSET", "LPUSH", "RPUSH", "SADD", "SET", "ZADD"})


def _prefixed(client: Any, command: tuple[Any, ...]) -> list[Any]:
    prefix = getattr(client, "_prefix_args", None)
    return prefix(command) if prefix else list(command)


class _Insistent:
    """Gives again in a script what is refused for memory; scripts begin with a write that never is."""

    connection_pool: Any

    def register_script(self: Any, script: Any) -> Any:
        """A script of kombu's own; all of them have a key."""
        return Script(self, f"redis.call('DEL', KEYS[1] .. ':-')\n{script}")

    def execute_command(self, *command: Any, **options: Any) -> Any:
        """The answer of Redis."""
        try:
            return super().execute_command(*command, **options)  # type: ignore[misc]
        except redis.exceptions.OutOfMemoryError:
            if command[0] not in _GROWING:
                raise
            return _insist(self.connection_pool, [_prefixed(self, command)])[0]


class _InsistentPipeline:
    """The same for commands that are given together."""

    connection_pool: Any
    command_stack: list[Any]

    def execute(self, raise_on_error: bool = True) -> Any:  # noqa: FBT001, FBT002  # redis-py's signature
        """The answers of Redis."""
        commands = [command for command, _ in self.command_stack]
        try:
            return super().execute(raise_on_error)  # type: ignore[misc]
        except redis.exceptions.OutOfMemoryError:
            # None of them was done: they are one transaction.
            return _insist(self.connection_pool, commands)


def _insist(pool: Any, commands: list[Any]) -> list[Any]:
    words = [word for command in commands for word in (len(command), *command)]
    answers: list[Any] = redis.Redis(connection_pool=pool).eval(_ALL_AT_ONCE, 0, *words)
    return answers


class InsistentPipeline(_InsistentPipeline, Pipeline):
    """Of an `InsistentRedis`."""


class InsistentPrefixedPipeline(_InsistentPipeline, kombu_redis.PrefixedRedisPipeline):
    """Of an `InsistentPrefixedRedis`."""


class InsistentRedis(_Insistent, redis.Redis):
    """A client without a prefix."""

    def pipeline(self, transaction: bool = True, shard_hint: Any = None) -> Any:  # noqa: FBT001, FBT002  # redis-py's
        """Commands that are given together."""
        return InsistentPipeline(self.connection_pool, self.response_callbacks, transaction, shard_hint)


class InsistentPrefixedRedis(_Insistent, kombu_redis.PrefixedStrictRedis):
    """A client that puts a prefix before every key."""

    def pipeline(self, transaction: bool = True, shard_hint: Any = None) -> Any:  # noqa: FBT001, FBT002  # redis-py's
        """Commands that are given together."""
        return InsistentPrefixedPipeline(  # type: ignore[no-untyped-call]
            self.connection_pool,
            self.response_callbacks,
            transaction,
            shard_hint,
            global_keyprefix=self.global_keyprefix,
        )


def client_class(prefix: str) -> Any:
    """What makes a client, given its pool.

    Args:
        prefix: Put before every key; blank for none.
    """
    if prefix:
        return functools.partial(InsistentPrefixedRedis, global_keyprefix=prefix)
    return InsistentRedis
