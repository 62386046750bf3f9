"""A walk: offer the message to each server of the chain, until nobody is open or no server is left."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tasks.delivery.admission import Admission
from tasks.delivery.attempt import RECIPIENTS_PER_TRANSACTION, Attempt, Attempted
from tasks.delivery.breaker_watch import BreakerWatch
from tasks.delivery.composing import Composer
from tasks.delivery.counting import count_entries
from tasks.delivery.fetches import tell_left_out
from tasks.delivery.insist import Insist
from tasks.delivery.lessons import ends_offer, learn, leave_alone
from tasks.delivery.pass_state import PassState
from tasks.delivery.patience import Patience
from tasks.delivery.postponed import Postponed
from tasks.delivery.stops import ClaimLost, OptionsChanged
from tasks.delivery.uncertain import resend_uncertain
from tasks.ledger import Ledger
from tasks.routing import Hop
from tasks.tally import Tally
from tasks.transports.pool import ConnectionPool

#: A walk begins nothing new after this, so that what it began ends within the longest claim: one transaction
#: takes at most the sum of its time-outs, final reply (600 s at most) included.
WALK_BUDGET_SECONDS: Final = 240.0
#: A server that asks for no more patience than this is waited for; longer, and the next server is tried.
WORTH_WAITING_SECONDS: Final = 30.0
#: A server that asks again and again is waited for so often; then the next one is tried all the same.
WORTH_WAITING_TIMES: Final = 3


class Walk:
    """One walk along one chain.

    Args:
        state: The pass; it learns what came of the walk.
        chain: The servers in the order they are tried.
        composer: Makes the message for each of them.
        watch: Says which of them are left alone, asked already, and hears how the others did.
        admission: Whether a message may go now within our own limits.
        patience: How long it waits by itself for its turn.
        insist: Repeats calls to the ledger that must be answered.
        revision: The revision of the options that holds now.
        tally: Counts attempts.
        pause: Sleeps.
    """

    def __init__(
        self,
        ledger: Ledger,
        pool: ConnectionPool,
        state: PassState,
        chain: tuple[Hop, ...],
        composer: Composer,
        *,
        watch: BreakerWatch,
        admission: Admission,
        patience: Patience,
        insist: Insist,
        revision: Callable[[], int],
        clock: Callable[[], float],
        tally: Tally,
        pause: Callable[[float], None],
    ) -> None:
        self._ledger = ledger
        self._pool = pool
        self._state = state
        self._chain = chain
        self._composer = composer
        self._admission = admission
        self._watch = watch
        self._insist = insist
        self._revision = revision
        self._clock = clock
        self._tally = tally
        self._pause = pause
        self._patience = patience
        self._has_begun = False

    def run(self) -> None:
        """Walk.

        Raises:
            PassStopped: The claim is gone, the options changed, or the ledger does not allow the text.
            redis.RedisError: The ledger did not answer when a text was to be sent; it was not sent.
            settings_store.errors.SecretFault: This process cannot open a password.
        """
        state = self._state
        state.walked.waits_until_ms, state.walked.waits_under = 0, ""
        state.walked.lacks_connection, state.walked.freed_line = False, ""
        state.walked.barred.clear()
        resend_uncertain(state, self._chain, self._offer)
        for hop in self._chain:
            if state.walked.waits_until_ms:
                break
            self._offer(hop, state.having("o"))
            if self._is_worth_waiting(hop):
                state.walked.waits_until_ms = state.memory.not_before_ms[hop.server.fingerprint]
                break
        self._refuse_what_all_refused()

    def _offer(self, hop: Hop, indexes: list[int]) -> None:
        """Offer the message to one server for those of these recipients that it may be asked about now."""
        state, memory, fingerprint = self._state, self._state.memory, hop.server.fingerprint
        welcome = [index for index in indexes if not memory.is_refused(fingerprint, index)]
        if not welcome or fingerprint in state.walked.passed_over or state.walked.waits_until_ms:
            return
        barred = self._watch.barred(hop)
        if barred is not None:
            leave_alone(state, hop, barred, welcome)
            return
        now_ms = state.now_ms()
        ready = [index for index in welcome if memory.patience_ms(fingerprint, index) <= now_ms]
        if not ready:
            state.walked.troubles.setdefault(hop.server.name, "the server asked for patience")
        elif self._has_begun:
            self._insist_on_options()
        groups = self._groups(ready)
        while groups and self._has_time():
            group = groups.pop(0)
            attempted = self._attempt(hop, group)
            if attempted.postponed is not None:
                if self._has_waited_here(attempted.postponed):
                    groups.insert(0, group)
                    continue
                self._postpone(hop, attempted.postponed)
                break
            if attempted.rest:
                groups.insert(0, tuple(attempted.rest))
            if ends_offer(state, attempted.judgement):
                break

    def _groups(self, indexes: list[int]) -> list[tuple[int, ...]]:
        """Recipients by transaction: a text has one for each of them, an e-mail as few as servers allow."""
        size = 1 if self._state.is_text else RECIPIENTS_PER_TRANSACTION
        return [tuple(indexes[start : start + size]) for start in range(0, len(indexes), size)]

    def _has_time(self) -> bool:
        walked = self._state.walked
        walked.out_of_time = walked.out_of_time or self._state.seconds > WALK_BUDGET_SECONDS
        return not walked.out_of_time

    def _attempt(self, hop: Hop, group: tuple[int, ...]) -> Attempted:
        self._flush()
        self._has_begun = True
        attempt = Attempt(
            self._ledger,
            self._pool,
            self._state,
            hop=hop,
            indexes=group,
            compose=lambda largest_bytes: self._composer.message(hop, group, largest_bytes),
            admission=self._admission,
            patience=self._patience,
            clock=self._clock,
        )
        try:
            attempt.run()
        finally:
            learn(self._state, hop, attempt.result)
            count_entries(self._tally, self._state, attempt.result.entries)
            if attempt.result.outcomes:
                tell_left_out(self._state, self._composer.left_out())
        self._watch.tell(hop, attempt.result, attempt.began_at_ms)
        self._state.walked.freed_line = attempt.freed_line
        return attempt.result

    def _has_waited_here(self, postponed: Postponed) -> bool:
        """Wait for the turn in this very pass, where it is urgent and that takes but a moment."""
        seconds = self._patience.wait_for((postponed.until_ms - self._state.now_ms()) / 1000)
        if seconds:
            self._pause(seconds)
        return bool(seconds)

    def _postpone(self, hop: Hop, postponed: Postponed) -> None:
        """Come back at that time, to the same server; to the next one only where it would be too late."""
        if postponed.until_ms < self._state.claim.expires_at_ms:
            self._state.walked.waits_until_ms = postponed.until_ms
            self._state.walked.waits_under = postponed.waits_under
            self._state.walked.lacks_connection = postponed.lacks_connection
        else:
            self._state.walked.passed_over.add(hop.server.fingerprint)

    def _is_worth_waiting(self, hop: Hop) -> bool:
        """Whether those still open wait for this server rather than go to the next."""
        state, memory, fingerprint = self._state, self._state.memory, hop.server.fingerprint
        wait_ms = memory.not_before_ms.get(fingerprint, 0) - state.now_ms()
        return (
            0 < wait_ms <= WORTH_WAITING_SECONDS * 1000
            and 0 < memory.throttled.get(fingerprint, 0) <= WORTH_WAITING_TIMES
            and any(not memory.is_refused(fingerprint, index) for index in state.having("o"))
        )

    def _refuse_what_all_refused(self) -> None:
        """A recipient is refused for good when every server of today's chain refused them or the message."""
        memory, servers = self._state.memory, [hop.server.fingerprint for hop in self._chain]
        refused = [
            index
            for index in self._state.having("o")
            if servers and all(memory.is_refused(server, index) for server in servers)
        ]
        if refused:
            self._insist_on_options()
            self._state.settle(dict.fromkeys(refused, "r"))

    def _insist_on_options(self) -> None:
        """Go on only while the options are those that the chain was made of."""
        if self._insist(self._revision) != self._state.snapshot.revision:
            raise OptionsChanged

    def _flush(self) -> None:
        """Write results into the ledger before anything else begins, where an intent waits for them."""
        state = self._state
        if not state.closes_intent:
            return
        answer = self._insist(
            lambda: self._ledger.record(state.claim, attempt=state.attempts, results=state.pending)
        )
        if answer in {"stale", "unknown"}:
            raise ClaimLost
        state.forget_pending()
