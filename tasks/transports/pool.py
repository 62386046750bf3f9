"""Connections to servers, kept open between messages: at 20 ms distance that is worth five times the rate."""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol

from settings_store.this_process import process_id
from tasks.meanwhile import side_by_side
from tasks.server import Server
from tasks.strands import aside
from tasks.transports.client import Client
from tasks.transports.connection import Connection
from tasks.transports.connections_in_use import ConnectionsInUse, Watch, unwatched
from tasks.transports.failure import TokenFailure, TransportFailure
from tasks.transports.idle_connections import IdleConnections, Limits, PoolKey
from tasks.transports.local_hostname import local_hostname as our_hostname
from tasks.transports.opening import TokenSource, open_client
from tasks.transports.outcome import Kind
from tasks.transports.sending import nobody_follows
from tasks.transports.timeouts import Timeouts
from tasks.transports.tls import TrustStore
from tasks.transports.trust import Trust
from tasks.verdict import Verdict

#: Longer than a server and Redis may take together.
LONGEST_CLOSING_SECONDS: Final = 60.0

_TIMEOUTS = Timeouts()
_TRUST = Trust()
_LIMITS = Limits()


#: Given the server, what is entered around the opening of a connection to it.
Opening = Callable[[Server], AbstractContextManager[None]]


def opened_at_once(_server: Server) -> AbstractContextManager[None]:
    """What is entered where a pool was given nothing."""
    return contextlib.nullcontext()


class Places(Protocol):
    """The places that connections take where they are limited; each connection has a name."""

    def may_keep(self, holder: str) -> bool:
        """Whether a connection may stay open although nobody uses it."""

    def closed(self, holders: Collection[str]) -> None:
        """Hear that connections are closed on both sides, or were not opened after all."""

    def left(self, holders: Collection[str]) -> None:
        """Hear that our side of connections is closed, and their servers may count them for a while yet."""


class _Endless:
    """Places without a limit."""

    def may_keep(self, _holder: str) -> bool:
        return True

    def closed(self, _holders: Collection[str]) -> None:
        pass

    def left(self, _holders: Collection[str]) -> None:
        pass


def admitted_at_once(_holder: str) -> None:
    """What is asked where no limit holds."""


def no_tokens(_server: Server, _refused: str = "", /) -> str:
    """The token source of a pool that was given none."""
    raise TokenFailure


@dataclass(frozen=True, slots=True)
class _Kept:
    """What one process has."""

    idle: IdleConnections
    in_use: ConnectionsInUse


class ConnectionPool:
    """The connections of a process, for all its threads; each connection is used by one thread at a time.

    A child of a fork starts with none: it never writes to a connection of its parent.

    Args:
        timeouts: Seconds per step.
        trust: What TLS rests on.
        clock: Seconds that only grow; age and idle time are told by it.
        local_hostname: The name for EHLO; None takes the machine's where it is a full one, and asks no DNS.
        token_source: Gives the token for a server with OAuth; called for each new connection, in its thread.
        limits: When a connection is not used again.
        opening: Entered around the opening of each connection; what it raises keeps that from being opened.
        places: Says which connections are to make room for others, and hears of those that are closed.
        watch: Hears how many connections to a server are used and kept.

    Raises:
        InvalidLocalHostname: The name is neither a host name nor an address literal.
    """

    def __init__(
        self,
        *,
        timeouts: Timeouts = _TIMEOUTS,
        trust: Trust = _TRUST,
        clock: Callable[[], float] = time.monotonic,
        local_hostname: str | None = None,
        token_source: TokenSource = no_tokens,
        limits: Limits = _LIMITS,
        opening: Opening = opened_at_once,
        places: Places | None = None,
        watch: Watch = unwatched,
    ) -> None:
        self._timeouts = timeouts
        self._trust = trust
        self._clock = clock
        self._local_hostname = our_hostname(local_hostname)
        self._token_source = token_source
        self._limits = limits
        self._opening = opening
        self._places = places or _Endless()
        self._contexts = TrustStore()
        self._watch = watch
        self._processes: dict[int, _Kept] = {}

    @contextlib.contextmanager
    def connection(
        self,
        server: Server,
        *,
        fresh: bool = False,
        timeouts: Timeouts | None = None,
        trust: Trust | None = None,
        opening: Opening | None = None,
        admit: Callable[[str], None] = admitted_at_once,
        first: bool = False,
        follow: bool = False,
        wait: bool = False,
    ) -> Iterator[Connection]:
        """A connection that is signed in and ready for a message; kept afterwards if it is clean.

        Any exception inside closes it without the dot.

        Args:
            server: Where to.
            fresh: Open a new one, as after a stale connection; those kept for this server go, being as old.
            timeouts: In place of the pool's, as the options say now.
            trust: In place of the pool's, as the options say now.
            opening: In place of the pool's, as for a test.
            admit: Called with the name of the connection, open or not yet, before it is used; what it raises
                keeps it from that.
            first: Whether one that is kept is taken although somebody waits who goes first.
            follow: Let others follow on it, and where none is free share one on which another message waits
                for its last reply, rather than open another. The envelope may go at once; nothing is read
                before that reply is.
            wait: Wait a moment for such a one, or for one that another thread gives back.

        Raises:
            TransportFailure: It could not be opened.
            Exception: What opening a sealed secret, entering `opening` or `admit` raised, unchanged.
        """
        timeouts = timeouts or self._timeouts
        trust = trust or self._trust
        key = PoolKey(server.fingerprint, trust)
        kept = self._reuse(key, server, timeouts, fresh=fresh, first=first)
        if kept is None and follow and not fresh:
            found = self._waited_for(key, server) if wait else self._idle.follow(key, first=first)
            kept = found and self._taken_up(found, server, timeouts)
        is_followed = kept is not None and kept.follows
        if kept is not None and is_followed:
            connection = self._admitted_behind(kept, key, server, admit)
        else:
            self._of_this_process.in_use.begin(server.name, server.fingerprint)
            connection = self._admitted(kept, key, server, timeouts, opening=opening, admit=admit)
        # Where connections are not limited nobody would follow.
        may_follow = follow or is_followed
        connection.on_written = partial(self._idle.offer, key, connection) if may_follow else nobody_follows
        try:
            yield connection
        except BaseException as error:
            if may_follow:
                self._idle.withdraw(key, connection)
            if connection.abort():
                self._give_back([connection])
                self._end(server)
            if is_followed and _was_thrown_away(error):
                self._idle.leave_alone(key)
            raise
        if may_follow:
            self._idle.withdraw(key, connection)
        self._pass_on_or_keep(connection, key, server)

    def _admitted(
        self,
        kept: Connection | None,
        key: PoolKey,
        server: Server,
        timeouts: Timeouts,
        *,
        opening: Opening | None,
        admit: Callable[[str], None],
    ) -> Connection:
        """One that nobody else uses: opened or taken up."""
        if kept is not None:
            try:
                admit(kept.holder)
            except BaseException:
                self._close(self._idle.keep(key, kept))
                self._end(server)
                raise
            return kept
        holder = secrets.token_hex(8)
        try:
            admit(holder)
            with (opening or self._opening)(server):
                return self._open(server, key.trust, timeouts, holder)
        except BaseException:
            self._places.closed([holder])
            self._end(server)
            raise

    def _admitted_behind(
        self, followed: Connection, key: PoolKey, server: Server, admit: Callable[[str], None]
    ) -> Connection:
        """One on which the message before waits for its reply; whoever is last has the keeping or closing."""
        try:
            admit(followed.holder)
        except BaseException:
            self._pass_on_or_keep(followed, key, server)
            raise
        return followed

    def _pass_on_or_keep(self, connection: Connection, key: PoolKey, server: Server) -> None:
        if not connection.pass_on():
            self._close(self._idle.keep(key, connection))
            self._end(server)

    def _end(self, server: Server) -> None:
        self._of_this_process.in_use.end(server.name, server.fingerprint)

    def going_first(self, server: Server, trust: Trust) -> AbstractContextManager[Callable[[float], object]]:
        """Within it, what other threads give back is for the caller, who goes first; gives a wait for it.

        The wait is for so many seconds at the most.
        """
        return self._idle.going_first(PoolKey(server.fingerprint, trust))

    def wants_more(self, server: Server, trust: Trust) -> bool:
        """Whether another message for a server would find a connection of this process in a moment."""
        busy = self._of_this_process.in_use.busy(server.name)
        return self._idle.wants_more(PoolKey(server.fingerprint, trust), busy=busy)

    def introduce(
        self, client: Client, server: Server, trust: Trust, token_source: TokenSource | None = None
    ) -> None:
        """Make a client ready for its first message by this pool's means, without keeping it.

        Args:
            client: Not connected yet.
            server: Where to.
            trust: What TLS rests on.
            token_source: In place of the pool's, as for a test.

        Raises:
            TransportFailure: It could not be opened.
            Exception: What opening a sealed secret raised, unchanged.
        """
        open_client(client, server, lambda: self._contexts.context(trust), token_source or self._token_source)

    @property
    def local_hostname(self) -> str:
        """The name that servers are greeted with."""
        return self._local_hostname

    def close_idle(self, wanted: Collection[str] = ()) -> None:
        """Close what idles too long, is too old or has to make room; called now and then.

        Args:
            wanted: Names of connections that others have use for: of those that idle, one is closed.
        """
        self._close(self._idle.remove_overdue() + self._idle.remove_one(wanted))
        self._of_this_process.in_use.look()

    def close_to(self, fingerprint: str) -> None:
        """Close what is not in use of the connections to one server."""
        self._close(self._idle.remove_to(fingerprint))
        # With its last connection a process ends the thread that would look.
        self._of_this_process.in_use.look()

    def close(self, *, within_seconds: float = LONGEST_CLOSING_SECONDS) -> None:
        """Close everything that is not in use, side by side: each waits for its server.

        Args:
            within_seconds: What is not closed by then ends with the process.
        """
        side_by_side([partial(self._close, [each]) for each in self._idle.remove_all()], within_seconds)

    @property
    def idle_count(self) -> int:
        """Connections that this process keeps and does not use."""
        return len(self._idle)

    @property
    def _idle(self) -> IdleConnections:
        return self._of_this_process.idle

    @property
    def _of_this_process(self) -> _Kept:
        pid = process_id()
        if pid not in self._processes:
            self._forget_parents(pid)
        return self._processes[pid]

    def _forget_parents(self, pid: int) -> None:
        # A new object, because another thread of the parent may have held a lock when it forked. Threads that
        # meet here agree on one: setdefault is atomic.
        idle = IdleConnections(self._limits, self._clock, self._places.may_keep)
        in_use = ConnectionsInUse(self._watch, idle.by_server, self._clock)
        self._processes.setdefault(pid, _Kept(idle, in_use))
        for other in [each for each in self._processes if each != pid]:
            # Dropping them closes our copies of the descriptors and sends nothing.
            inherited = self._processes.pop(other, None)
            for connection in inherited.idle.inherited() if inherited else ():
                connection.forget()

    def _reuse(
        self, key: PoolKey, server: Server, timeouts: Timeouts, *, fresh: bool, first: bool
    ) -> Connection | None:
        if fresh:
            self._close(self._idle.remove(key))
            return None
        self._close(self._idle.remove_overdue(key))
        while (connection := self._idle.take(key, first=first)) is not None:
            if self._taken_up(connection, server, timeouts) is not None:
                return connection
        return None

    def _waited_for(self, key: PoolKey, server: Server) -> Connection | None:
        busy = self._of_this_process.in_use.busy(server.name)
        return aside(lambda: self._idle.wait(key, busy=busy))

    def _taken_up(self, connection: Connection, server: Server, timeouts: Timeouts) -> Connection | None:
        """A connection that was taken, if it is good for another message."""
        if connection.take_up(timeouts):
            return connection
        if connection.abort():
            self._give_back([connection])
            if connection.follows:
                # Whoever it followed left the rest to it: it is used until now.
                self._end(server)
        return None

    def _open(self, server: Server, trust: Trust, timeouts: Timeouts, holder: str) -> Connection:
        client = Client(local_hostname=self._local_hostname, timeouts=timeouts)
        try:
            # Name servers and TLS wait in their own ways.
            aside(lambda: self.introduce(client, server, trust))
        except BaseException:
            if not client.is_over:
                self._places.left([holder])
            raise
        return Connection(client, opened_at=self._clock(), holder=holder)

    def _close(self, connections: list[Connection]) -> None:
        if not connections:
            return
        for connection in connections:
            connection.close()
        self._give_back(connections)

    def _give_back(self, connections: list[Connection]) -> None:
        """Others may have their places; later, where the server may count them for a while yet."""
        over = [each.holder for each in connections if each.is_over]
        left = [each.holder for each in connections if not each.is_over]
        if over:
            self._places.closed(over)
        if left:
            self._places.left(left)


def _was_thrown_away(error: BaseException) -> bool:
    """Whether a server did not answer to commands behind a text, as one that threw them away."""
    return (
        isinstance(error, TransportFailure)
        and error.judgement.verdict is Verdict.STALE_CONNECTION
        and error.outcome.kind is Kind.TIMEOUT
    )
