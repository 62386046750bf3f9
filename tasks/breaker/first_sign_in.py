"""The first sign-in to a server, by one worker of all: a wrong password is tried once, not by everybody."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import redis

from tasks.breaker.breaker import Breaker, new_token
from tasks.breaker.errors import SignInAwaited
from tasks.server import Server
from tasks.transports.failure import TransportFailure
from tasks.verdict import Verdict


class FirstSignIn:
    """Put round the opening of a connection. One object a process; safe between threads.

    Once it has seen that a sign-in to a server succeeded it asks Redis no more for that server.
    """

    def __init__(self, breaker: Breaker) -> None:
        self._breaker = breaker
        self._known: set[str] = set()

    @contextlib.contextmanager
    def __call__(self, server: Server, *, probe_token: str = "") -> Iterator[None]:
        """Open the connection inside.

        Args:
            server: Where to.
            probe_token: Of a test that this worker was given; it may sign in while nobody else may.

        Raises:
            SignInAwaited: Somebody else is at it; nothing was opened.
            redis.RedisError: Redis did not answer; nothing was opened.
        """
        if server.sign_in is None or server.fingerprint in self._known:
            yield
            return
        token = probe_token or new_token()
        answer = self._breaker.may_sign_in(server.fingerprint, token)
        if not answer.allowed:
            raise SignInAwaited(answer.wait_seconds)
        if answer.everybody:
            self._known.add(server.fingerprint)
            yield
            return
        try:
            yield
        except BaseException as error:
            if not _is_refused(error):
                self._ended(server, token, ok=False)
            raise
        self._ended(server, token, ok=True)
        self._known.add(server.fingerprint)

    def _ended(self, server: Server, token: str, *, ok: bool) -> None:
        # Without an answer the right runs out by itself, and the first delivery tells of the success.
        with contextlib.suppress(redis.RedisError):
            self._breaker.signed_in(server.fingerprint, token, ok=ok)


def _is_refused(error: BaseException) -> bool:
    """Whether the report of this failure opens the breaker: until then the right stays taken."""
    return isinstance(error, TransportFailure) and error.judgement.verdict is Verdict.MISCONFIGURED
