"""The token for a sign-in: one for all workers, fetched by one of them, renewed before it runs out."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Final, TypeGuard

from redis.exceptions import LockError
from redis.lock import Lock

from settings_store.logs import EventLog
from tasks.oauth.fetching import Fetch, fetch_token
from tasks.oauth.kept_tokens import KeptToken, KeptTokens
from tasks.server import OAuth, Server
from tasks.transports.failure import TokenFailure

#: A token is renewed when it holds for less; an outage of the identity service may last so long unnoticed.
RENEW_BEFORE_SECONDS: Final = 600.0
#: A token that holds for less is not sent: it could run out on the way.
LEAST_SECONDS: Final = 30.0
#: A refused token is replaced unless it is younger than this: a new one would be refused as well.
REPLACE_AFTER_SECONDS: Final = 300.0
#: After a failure nobody asks again for so long, or for as long as the identity service says.
FAULT_SECONDS: Final = 15.0
#: Who finds another one asking waits for it no longer.
WAIT_SECONDS: Final = 20.0
_LOOK_SECONDS: Final = 0.1

_log = EventLog(__name__)


class Tokens:
    """The tokens of all servers that are signed in to by OAuth; safe between threads.

    Args:
        kept: Where they lie.
        fetch: Gets one from the identity service.
        clock: Seconds that only grow.
        pause: Waits so many seconds.
    """

    def __init__(
        self,
        kept: KeptTokens,
        *,
        fetch: Fetch = fetch_token,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._kept = kept
        self._fetch = fetch
        self._clock = clock
        self._pause = pause

    def __call__(self, server: Server, refused: str = "", /) -> str:
        """A token for a server that is signed in to by OAuth.

        Args:
            server: Which.
            refused: The token that it has just refused. The same one is the answer where it was issued only
                now, so that a new one would fare no better.

        Raises:
            TokenFailure: There is none.
            settings_store.errors.SecretFault: This process cannot open the secret.
            redis.RedisError: Redis did not answer.
        """
        sign_in = _oauth(server)
        ends = self._clock() + WAIT_SECONDS
        while True:
            token = self._kept_or_new(sign_in, refused)
            if token:
                return token
            if self._clock() > ends:
                words = "another worker's request for a token takes too long"
                raise TokenFailure(words, transient=True)
            self._pause(_LOOK_SECONDS)

    def fresh(self, server: Server, refused: str = "", /) -> str:
        """A token from the identity service itself, for a test: whatever is kept, and whatever failed before.

        Raises:
            As a call.
        """
        return refused or self._new(_oauth(server))

    def _kept_or_new(self, sign_in: OAuth, refused: str) -> str:
        """A token; blank where somebody else is about to have one."""
        token, kept = self._known(sign_in, refused)
        if token:
            return token
        with self._alone(sign_in) as first:
            if not first:
                return kept.text if _usable(kept, refused) else ""
            # Somebody may have been quicker between the look and the lock, with a token or with a failure.
            token, kept = self._known(sign_in, refused)
            return token or self._renewed(sign_in, kept.text if _usable(kept, refused) else "")

    def _known(self, sign_in: OAuth, refused: str) -> tuple[str, KeptToken | None]:
        """A token that needs no asking, blank where there is none, and what is kept.

        Raises:
            TokenFailure: Somebody asked a moment ago, and there is none.
        """
        kept = self._kept.read(sign_in)
        if _usable(kept, refused) and not _runs_out(kept):
            return kept.text, kept
        failure = self._kept.fault(sign_in)
        if failure is not None and _usable(kept, refused):
            return kept.text, kept
        if failure is not None:
            raise failure
        return "", kept

    def _renewed(self, sign_in: OAuth, old: str) -> str:
        """A new token under the lock, or the old one while that holds."""
        if not old:
            self._kept.drop(sign_in)
        try:
            return self._new(sign_in)
        except TokenFailure as failure:
            seconds = max(FAULT_SECONDS, failure.retry_after_seconds or 0)
            self._kept.note(sign_in, failure, seconds=seconds)
            _log.warning("token_not_issued", tenant=sign_in.tenant_id, reason=str(failure))
            if old:
                return old
            raise

    def _new(self, sign_in: OAuth) -> str:
        fresh = self._fetch(sign_in)
        self._kept.write(sign_in, fresh)
        return fresh.text

    @contextlib.contextmanager
    def _alone(self, sign_in: OAuth) -> Iterator[bool]:
        """Be the only one to ask; False where somebody else does."""
        lock: Lock = self._kept.lock(sign_in)
        if not lock.acquire():
            yield False
            return
        try:
            yield True
        finally:
            # It may have run out meanwhile; then it is another's, and not ours to give back.
            with contextlib.suppress(LockError):
                lock.release()


def _usable(kept: KeptToken | None, refused: str) -> TypeGuard[KeptToken]:
    """Whether a token can be sent, or was refused so young that a new one would be as well."""
    if kept is None or kept.left_seconds <= LEAST_SECONDS:
        return False
    return kept.text != refused or kept.age_seconds < REPLACE_AFTER_SECONDS


def _runs_out(kept: KeptToken) -> bool:
    # Less than half of a short life is a short time as well.
    return kept.left_seconds < min(RENEW_BEFORE_SECONDS, kept.age_seconds)


def _oauth(server: Server) -> OAuth:
    if not isinstance(server.sign_in, OAuth):
        raise TypeError(f"{server.name} is not signed in to by OAuth")
    return server.sign_in
