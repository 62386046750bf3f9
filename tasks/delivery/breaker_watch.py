"""What a walk knows of its servers' breakers, and what it tells them."""

from __future__ import annotations

from dataclasses import replace

import redis

from settings_store.logs import EventLog
from tasks.breaker import Breaker, Meaning, Permission, meaning_of
from tasks.delivery.attempt import Attempted
from tasks.delivery.pass_state import PassState
from tasks.routing import Hop

_log = EventLog(__name__)


class BreakerWatch:
    """The breakers of one walk's chain: asked about before it begins, and told of each attempt.

    Call `ask` before anything else.
    """

    def __init__(self, breaker: Breaker, state: PassState, chain: tuple[Hop, ...]) -> None:
        self._breaker = breaker
        self._state = state
        self._chain = chain
        self._permissions: dict[str, Permission] = {}
        self._told = 0

    def ask(self) -> None:
        """Learn which servers may be used now, in one round trip, or by what came with the claim just now.

        Raises:
            redis.RedisError: Redis did not answer.
        """
        asked = [hop.server.fingerprint for hop in self._chain]
        known, self._state.permissions = self._state.permissions, {}
        self._permissions = dict(known) if known.keys() >= set(asked) else self._breaker.allows(asked)

    @property
    def bars_all(self) -> bool:
        """Whether no server of the chain may be used, so that nothing is sent by this walk."""
        return all(self.barred(hop) for hop in self._chain)

    def barred(self, hop: Hop) -> Permission | None:
        """Why a server is left alone in this walk; None where it may be used."""
        permission = self._permissions[hop.server.fingerprint]
        return None if permission.allowed else permission

    def tell(self, hop: Hop, attempted: Attempted, began_ms: int) -> None:
        """Report how an attempt ended; a success that is no news costs no round trip."""
        judgement, fingerprint = attempted.judgement, hop.server.fingerprint
        verdict = judgement.verdict if judgement else None
        completed = meaning_of(verdict) is Meaning.COMPLETED
        permission = self._permissions[fingerprint]
        if attempted.postponed is not None or (completed and not permission.success_is_news):
            return
        self._told += 1
        try:
            self._breaker.report(
                fingerprint,
                verdict,
                name=hop.server.name,
                token=f"{self._state.claim.token}:{self._state.attempts}:{self._told}",
                began_ms=began_ms,
                reason=judgement.reason if judgement else "",
                failures_before_open=self._state.snapshot.number("delivery.breaker_failures"),
            )
        except redis.RedisError as error:
            # Others will tell; what this attempt came to is the ledger's, which is asked until it answers.
            _log.warning("breaker_not_told", server=hop.server.name, error=type(error).__name__)
            return
        if completed:
            self._permissions[fingerprint] = replace(permission, success_is_news=False)
