"""Scripts that go to Redis in one write, over the connections of redis-py's own pool.

redis-py's pipeline takes any command, follows its own steps for each and asks the pool for a connection each
time. For scripts alone that was a third of a delivery's processor time; this way it is a tenth.
"""

from __future__ import annotations

import os
import time
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final

import redis
from redis.commands.core import Script

#: So long a connection is used again without asking the pool, which looks whether it is still good, and
#: behind Sentinels whether its server is still the one to write to.
AT_HAND_SECONDS: Final = 1.0
#: More than these are left to the pool, where other commands find them.
AT_HAND_MAXIMUM: Final = 8

#: A script and its arguments.
Call = tuple[Script, Sequence[str | int | bytes]]


class RoundTrips:
    """Runs scripts. One object a client; safe between threads, and begun anew in a child of a fork.

    Args:
        client: Gives connections, and says how often a lost reply is asked for again.
        clock: Seconds that only grow.
    """

    def __init__(self, client: redis.Redis, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._pool = client.connection_pool
        self._clock = clock
        self._pid = os.getpid()
        #: Used last, used again first: what is not needed at the same time goes back to the pool.
        self._at_hand: deque[tuple[Any, float]] = deque()

    def run(self, calls: Sequence[Call]) -> list[Any]:
        """The answer to each, in one round trip; an error of the script stands in the place of its answer.

        Every script must be one that may be repeated: after a lost reply, and where one of them is not known
        to the server, all are run again.

        Raises:
            redis.RedisError: Redis did not answer.
        """
        commands = [("EVALSHA", script.sha, 0, *arguments) for script, arguments in calls]
        answers = self._asked(commands)
        if any(isinstance(answer, redis.exceptions.NoScriptError) for answer in answers):
            texts = dict.fromkeys(script.script for script, _ in calls)
            self._asked([("SCRIPT LOAD", text) for text in texts])
            answers = self._asked(commands)
        return answers

    def run_one(self, script: Script, arguments: Sequence[str | int | bytes]) -> Any:
        """The answer to a single one.

        Raises:
            redis.RedisError: Redis did not answer, or refused.
        """
        answer = self.run([(script, arguments)])[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _asked(self, commands: Sequence[Sequence[Any]]) -> list[Any]:
        connection, until = self._take()
        try:
            return connection.retry.call_with_retry(  # type: ignore[no-any-return]
                lambda: _exchange(connection, commands), lambda _error: connection.disconnect()
            )
        except BaseException:
            # A thread may be interrupted while replies are on their way: nobody else is to read them.
            connection.disconnect()
            raise
        finally:
            self._give_back(connection, until)

    def _take(self) -> tuple[Any, float]:
        if self._pid != os.getpid():
            self._pid, self._at_hand = os.getpid(), deque()
        now = self._clock()
        while self._at_hand:
            try:
                connection, until = self._at_hand.pop()
            except IndexError:
                break
            if now < until:
                return connection, until
            self._pool.release(connection)
        return self._pool.get_connection(), now + AT_HAND_SECONDS

    def _give_back(self, connection: Any, until: float) -> None:
        if len(self._at_hand) < AT_HAND_MAXIMUM:
            self._at_hand.append((connection, until))
        else:
            self._pool.release(connection)


def _exchange(connection: Any, commands: Sequence[Sequence[Any]]) -> list[Any]:
    connection.send_packed_command(connection.pack_commands(commands))
    return [_answer(connection) for _ in commands]


def _answer(connection: Any) -> Any:
    """What Redis says to one command; where it refuses, the others' answers are still to be read."""
    try:
        return connection.read_response()
    except redis.ResponseError as error:
        return error


_by_client: weakref.WeakKeyDictionary[redis.Redis, RoundTrips] = weakref.WeakKeyDictionary()


def round_trips(client: redis.Redis) -> RoundTrips:
    """Those of a client, the same for all who ask."""
    return _by_client.setdefault(client, RoundTrips(client))
