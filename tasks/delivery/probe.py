"""The test of a server that is passed over: connect, TLS, sign in, NOOP; nothing is sent."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import Final, Literal

from settings_store.logs import EventLog
from settings_store.snapshot import Snapshot
from tasks.breaker import Breaker, FirstSignIn, SignInAwaited
from tasks.breaker.breaker import new_token
from tasks.delivery.admission import Admission, LimitReached
from tasks.delivery.options import timeouts
from tasks.delivery.stops import OptionsChanged
from tasks.server import Basic, OAuth, Server
from tasks.transports.failure import TransportFailure
from tasks.transports.pool import ConnectionPool
from tasks.transports.timeouts import Timeouts
from tasks.transports.trust import Trust
from tasks.verdict import Verdict

#: A step of a test takes no longer, however patient deliveries are: its lease is short.
STEP_SECONDS: Final = 10.0

_log = EventLog(__name__)


class Prober:
    """Tests servers; safe between threads."""

    def __init__(
        self, breaker: Breaker, first_sign_in: FirstSignIn, pool: ConnectionPool, admission: Admission
    ) -> None:
        self._breaker = breaker
        self._admission = admission
        self._first_sign_in = first_sign_in
        self._pool = pool

    def probe(self, server: Server, snapshot: Snapshot) -> Literal["closed", "open", "stale", "not due"]:
        """Test a server whose test is due, unless another worker does.

        `closed`: it is used again from now on. `open`: the next test is later. `stale`: this one took so long
        that another worker was given the right to test, or had no connection within our own limits, or the
        options changed.

        Raises:
            settings_store.errors.SecretFault: This process cannot open the password; another may.
            redis.RedisError: Redis did not answer; the right to test runs out by itself.
        """
        self._open_secret(server)
        token = new_token()
        if not self._breaker.take_probe(server.fingerprint, token):
            return "not due"
        try:
            self._try(server, snapshot, token)
        except (SignInAwaited, LimitReached, OptionsChanged):
            # The right to test runs out by itself, and the next one may find room.
            return "stale"
        except TransportFailure as failure:
            judgement = failure.judgement
            _log.info("probe_failed", server=server.name, stage=failure.phase.value)
            return self._breaker.probed(
                server.fingerprint,
                token,
                ok=False,
                reason=judgement.reason,
                misconfigured=judgement.verdict is Verdict.MISCONFIGURED,
            )
        return self._breaker.probed(server.fingerprint, token, ok=True)

    def _try(self, server: Server, snapshot: Snapshot, token: str) -> None:
        ticket = self._admission.ticket(snapshot, server, "")
        with self._pool.connection(
            server,
            fresh=True,
            timeouts=_no_longer_than(timeouts(snapshot), STEP_SECONDS),
            trust=Trust.of(snapshot),
            admit=ticket.admit if ticket else self._admission.counting(snapshot, server),
            opening=functools.partial(self._first_sign_in, probe_token=token),
        ) as connection:
            connection.noop()
            connection.retire()

    @staticmethod
    def _open_secret(server: Server) -> None:
        """Find out before the right to test is taken whether this process can sign in."""
        match server.sign_in:
            case Basic(password=opens) | OAuth(client_secret=opens):
                opens()


def _no_longer_than(allowed: Timeouts, seconds: float) -> Timeouts:
    return replace(
        allowed,
        connect_seconds=min(allowed.connect_seconds, seconds),
        reply_seconds=min(allowed.reply_seconds, seconds),
    )
