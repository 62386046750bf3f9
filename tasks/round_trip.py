"""Scripts that go to Redis in one write, over the connections of redis-py's own pool.

redis-py's pipeline takes any command, follows its own steps for each and asks the pool for a connection each
time. For scripts alone that was a third of a delivery's processor time; this way it is a tenth.
"""

from __future__ import annotations

import math
import time
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

import hiredis
import redis
from redis.commands.core import Script

from settings_store.this_process import process_id
from tasks.messenger import Messenger
from tasks.strands import aside, strands, wait_until_readable

T = TypeVar("T")

#: So long a connection is used again without asking the pool, which looks whether it is still good, and
#: behind Sentinels whether its server is still the one to write to.
AT_HAND_SECONDS: Final = 1.0
#: More than these are left to the pool, where other commands find them.
AT_HAND_MAXIMUM: Final = 8
#: An answer that is due is there by then.
_SHORTLY_SECONDS: Final = 1.0

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
        self._pid = process_id()
        #: Used last, used again first: what is not needed at the same time goes back to the pool.
        self._at_hand: deque[tuple[Any, float]] = deque()

    def run(self, calls: Sequence[Call]) -> list[Any]:
        """The answer to each, in one round trip; an error of the script stands in the place of its answer.

        Every script must be one that may be repeated: after a lost reply, and where one of them is not known
        to the server, all are run again.

        Raises:
            redis.RedisError: Redis did not answer.
        """
        commands = [_command(script, arguments) for script, arguments in calls]
        answers = self._asked(commands)
        if redis.exceptions.NoScriptError in map(type, answers):
            texts = dict.fromkeys(script.script for script, _ in calls)
            self._asked([("SCRIPT", "LOAD", text) for text in texts])
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

    def begin(self, script: Script, arguments: Sequence[str | int | bytes]) -> UnderWay:
        """Send a script and go on; its answer is taken later, and it is repeated then as `run` would.

        Raises:
            redis.RedisError: There is no connection to be had: nothing was sent.
        """
        connection, until = self._take()
        try:
            return UnderWay(
                connection,
                _command(script, arguments),
                otherwise=lambda: self.run_one(script, arguments),
                leave=lambda: self._give_back(connection, until),
                clock=self._clock,
            )
        except BaseException:
            connection.disconnect()
            self._give_back(connection, until)
            raise

    def _asked(self, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
        together = strands()
        if together is None:
            return self._exchange(commands)
        messenger = together.kept.get(self)
        if messenger is None:
            messenger = together.kept[self] = Messenger(together, self._exchange_beside)
        return messenger.ask(commands)

    def _exchange_beside(self, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
        """`_exchange`, which keeps no other strand from going on, whatever Redis does.

        A connection that was used a moment ago is asked here. To connect, to look at one that is older and to
        wait between two tries is the client library's, in a thread.
        """
        at_hand = self._at_hand_now()
        if at_hand is not None:
            connection, until = at_hand
            try:
                return _exchange(connection, commands)
            except (redis.ConnectionError, redis.TimeoutError):
                connection.disconnect()
            except BaseException:
                connection.disconnect()
                raise
            finally:
                self._give_back(connection, until)
        return aside(lambda: self._exchange(commands))

    def _exchange(self, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
        connection, until = self._take()
        try:
            return _persistently(connection, lambda: _exchange(connection, commands))
        finally:
            self._give_back(connection, until)

    def _take(self) -> tuple[Any, float]:
        at_hand = self._at_hand_now()
        return at_hand or (self._pool.get_connection(), self._clock() + AT_HAND_SECONDS)

    def _at_hand_now(self) -> tuple[Any, float] | None:
        """One that was used a moment ago, and until when it is used so."""
        if self._pid != process_id():
            self._pid, self._at_hand = process_id(), deque()
        now = self._clock()
        while self._at_hand:
            try:
                connection, until = self._at_hand.pop()
            except IndexError:
                break
            if now < until:
                return connection, until
            self._pool.release(connection)
        return None

    def _give_back(self, connection: Any, until: float) -> None:
        # One that was lost is the pool's to connect anew: strands must not wait for that.
        if connection.is_connected and len(self._at_hand) < AT_HAND_MAXIMUM:
            self._at_hand.append((connection, until))
        else:
            self._pool.release(connection)


class UnderWay:
    """A script that was sent and whose answer was not taken yet; for the thread that began it.

    Args:
        connection: Nobody else's meanwhile.
        command: The script.
        otherwise: Runs it where the server does not know it.
        leave: Called once the connection is no longer needed.
        clock: Seconds that only grow.
    """

    def __init__(
        self,
        connection: Any,
        command: tuple[Any, ...],
        *,
        otherwise: Callable[[], Any],
        leave: Callable[[], None],
        clock: Callable[[], float],
    ) -> None:
        self._connection = connection
        self._command = command
        self._otherwise = otherwise
        self._leave = leave
        self._clock = clock
        self._began = clock()
        self._fault: redis.RedisError | None = None
        self._is_open = True
        self._is_first_try = True
        if not connection.is_connected:
            _persistently(connection, connection.connect)
        try:
            # Whether the server is well need not be asked: whatever is not answered is sent again.
            connection.send_packed_command(connection.pack_command(*command), check_health=False)
        except (redis.ConnectionError, redis.TimeoutError) as fault:
            self._fault = fault

    def answer(self) -> Any:
        """Wait for the answer.

        Raises:
            redis.RedisError: Redis did not answer, or refused.
        """
        try:
            answer = _persistently(self._connection, self._try)[0]
        finally:
            self._end()
        if isinstance(answer, redis.exceptions.NoScriptError):
            return self._otherwise()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def abandon(self) -> None:
        """Want no answer any more, if it was not taken; what was sent may be done all the same."""
        if self._is_open:
            self._connection.disconnect()
            self._end()

    def _try(self) -> list[Any]:
        if not self._is_first_try:
            return _exchange(self._connection, [self._command])
        self._is_first_try = False
        if self._fault:
            raise self._fault
        spent, patience = self._clock() - self._began, self._connection.socket_timeout
        if spent < _SHORTLY_SECONDS or patience is None:
            return [_answer(self._connection)]
        # What its caller did meanwhile counts: two waits are not to add up.
        left = max(patience - spent, _SHORTLY_SECONDS)
        return [_answer(self._connection, timeout=left)]

    def _end(self) -> None:
        self._is_open = False
        self._leave()


def _command(script: Script, arguments: Sequence[str | int | bytes]) -> tuple[Any, ...]:
    return ("EVALSHA", script.sha, 0, *arguments)


def _persistently(connection: Any, exchange: Callable[[], T]) -> T:
    """What comes of an exchange, which is repeated as often as the client is told to."""
    try:
        return connection.retry.call_with_retry(  # type: ignore[no-any-return]
            exchange, lambda _error: connection.disconnect()
        )
    except BaseException:
        # A thread may be interrupted while replies are on their way: nobody else is to read them.
        connection.disconnect()
        raise


def _exchange(connection: Any, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
    connection.send_packed_command([_packed(commands)])
    if strands() is not None:
        _let_others_go_on(connection)
    return [_answer(connection) for _ in commands]


def _packed(commands: Sequence[tuple[Any, ...]]) -> bytes:
    """The commands on the wire; the client's own way looks at each argument three times."""
    try:
        return b"".join(hiredis.pack_command(command) for command in commands)
    except TypeError as error:
        raise redis.DataError(str(error)) from None


def _let_others_go_on(connection: Any) -> None:
    """Wait for the first answer, with which all of them come."""
    seconds, peer = connection.socket_timeout, connection._sock  # noqa: SLF001  # it tells its socket no other way
    if not wait_until_readable(peer, math.inf if seconds is None else seconds):
        connection.disconnect()
        raise redis.TimeoutError("Timeout reading from socket")


def _answer(connection: Any, **within: float) -> Any:
    """What Redis says to one command; where it refuses, the others' answers are still to be read."""
    try:
        return connection.read_response(**within)
    except redis.ResponseError as error:
        return error


_by_client: weakref.WeakKeyDictionary[redis.Redis, RoundTrips] = weakref.WeakKeyDictionary()


def round_trips(client: redis.Redis) -> RoundTrips:
    """Those of a client, the same for all who ask."""
    return _by_client.setdefault(client, RoundTrips(client))
