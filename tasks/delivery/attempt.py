"""One transaction with one server: envelope, intent, text, and what each recipient came to."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tasks import tracing
from tasks.attachments.gathered import WORDS_OF_FAULT
from tasks.attachments.source import AttachmentFault
from tasks.breaker import SignInAwaited
from tasks.delivery.admission import Admission, LimitReached
from tasks.delivery.alike import Refused, alike
from tasks.delivery.composing import NotWhole
from tasks.delivery.message_name import message_name
from tasks.delivery.options import timeouts
from tasks.delivery.pass_state import PassState
from tasks.delivery.patience import Patience
from tasks.delivery.postponed import Postponed
from tasks.delivery.spans import tell_attempt
from tasks.delivery.stops import ClaimLost, NotToBeSent, OptionsChanged
from tasks.ledger import Intent, Ledger
from tasks.rendering import RenderedMessage
from tasks.routing import Hop
from tasks.schedule import RESEND_UNCERTAIN_AFTER_SECONDS
from tasks.transports.connection import Connection
from tasks.transports.envelope import Refusal
from tasks.transports.failure import TransportFailure
from tasks.transports.phase import Phase
from tasks.transports.pool import ConnectionPool
from tasks.transports.reply import Reply
from tasks.transports.trust import Trust
from tasks.verdict import Judgement, Scope, Verdict

#: Servers must take 100 recipients (RFC 5321, 4.5.3.1.8); one that takes fewer says so with 452.
RECIPIENTS_PER_TRANSACTION: Final = 100
#: While another worker makes the first sign-in to a server, whether it succeeded is looked at this often.
SIGN_IN_LOOK_SECONDS: Final = 1.0

#: Verdicts of our own, beside those that servers give.
FILE_LOST: Final = "attachment_lost"
WAITS_FOR_FILES: Final = "attachments_wait"


@dataclass(slots=True)
class Attempted:
    """What came of a transaction.

    Attributes:
        judgement: What the server's behaviour means; None where every recipient was judged by itself.
        outcomes: Letters for the ledger, by recipient.
        refused: Recipients that this server refused for good, or whose message it refused.
        waits: Seconds that it asked to be spared a recipient, where it named them.
        rest: Recipients that did not fit into this transaction and want another at once.
        entries: For the timeline.
        intended: Whether the ledger holds an intent that these results must close.
        postponed: Why nothing was tried yet; None where something was.
    """

    judgement: Judgement | None = None
    outcomes: dict[int, str] = field(default_factory=dict)
    refused: list[int] = field(default_factory=list)
    waits: dict[int, int] = field(default_factory=dict)
    rest: list[int] = field(default_factory=list)
    entries: list[dict[str, Any]] = field(default_factory=list, repr=False)
    intended: bool = False
    postponed: Postponed | None = None


class Attempt:
    """A transaction for some recipients of a pass.

    Args:
        admission: Whether it may go within our own limits.
        patience: How long the pass waits by itself for its turn.
        state: The pass.
        hop: The server and the rule that chose it.
        indexes: Recipients by their place in the envelope.
        compose: Renders the message for this server, given the largest that it takes in bytes (0 = unknown).

    Attributes:
        result: What came of it so far; it holds also where `run` raises.
        began_at_ms: When it began, by Redis' clock.
    """

    def __init__(
        self,
        ledger: Ledger,
        pool: ConnectionPool,
        state: PassState,
        *,
        hop: Hop,
        indexes: tuple[int, ...],
        compose: Callable[[int], RenderedMessage],
        admission: Admission,
        patience: Patience,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ledger = ledger
        self._pool = pool
        self._state = state
        self._hop = hop
        self._place = {state.addresses[index]: index for index in indexes}
        self._compose = compose
        self._clock = clock
        # A new name once the one before was sent, the same while this one waits for its turn.
        name = message_name(state.claim.id, state.attempts)
        self._is_urgent = state.notification.priority == "high"
        self._ticket = admission.ticket(state.snapshot, hop.server, name, urgent=self._is_urgent)
        self._admit = self._ticket.admit if self._ticket else admission.counting(state.snapshot, hop.server)
        self._patience = patience
        self._lacks_connection = self._had_connection = False
        self.result = Attempted()
        self.began_at_ms = state.now_ms()
        self._began = clock()

    def run(self) -> None:
        """Send, on a fresh connection where the kept one turned out to be stale.

        Raises:
            PassStopped: The ledger did not allow the text; it was not sent.
            redis.RedisError: The ledger did not answer; the text was not sent.
            settings_store.errors.SecretFault: This process cannot open the server's password.
        """
        try:
            with tracing.span("attempt", kind="client") as span:
                span.set({"notify.server": self._hop.server.name, "network.protocol.name": "smtp"})
                stale = self._transact(fresh=False)
                if self._lacks_connection and self._ticket is not None and self._ticket.is_used_here:
                    stale = self._once_given_one()
                if stale:
                    self._transact(fresh=True)
                tell_attempt(span, self.result)
        finally:
            self._tell_limits()

    def _tell_limits(self) -> None:
        if self._ticket is None:
            return
        if self.result.intended:
            self._ticket.sent()
        elif not self._comes_back:
            self._ticket.give_back()

    @property
    def freed_line(self) -> str:
        """The line whose first may have the connection that it had; blank where others here wait for it."""
        if not self._had_connection or self._ticket is None or not self._ticket.line:
            return ""
        trust = self._state.snapshot.derive(Trust.of)
        return self._ticket.line if self._pool.wants_more(self._hop.server, trust) else ""

    @property
    def _comes_back(self) -> bool:
        """Whether the message waits for its turn with this server."""
        postponed = self.result.postponed
        return postponed is not None and postponed.until_ms < self._state.claim.expires_at_ms

    def _once_given_one(self) -> bool:
        """Wait a moment for a connection of this process where no other may be opened; see `_transact`.

        Without that, all that are due in a second find the few connections in use and come again in the next
        second, in which these idle. What is urgent has the next that is given back, and waits longer.
        """
        server, trust = self._hop.server, self._state.snapshot.derive(Trust.of)
        if not self._is_urgent:
            return self._transact(fresh=False, wait=True)
        stale = False
        with self._pool.going_first(server, trust) as wait:
            while self._lacks_connection and (seconds := self._patience.wait_for(self._seconds_to_turn)):
                wait(seconds)
                stale = self._transact(fresh=False)
        return stale

    @property
    def _seconds_to_turn(self) -> float:
        postponed = self.result.postponed
        return (postponed.until_ms - self._state.now_ms()) / 1000 if postponed else 0.0

    def _transact(self, *, fresh: bool, wait: bool = False) -> bool:
        """One try; whether the connection was stale, which spends nothing."""
        snapshot = self._state.snapshot
        self.result.postponed, self._lacks_connection = None, False
        try:
            if self._ticket and not fresh and not wait:
                self._ticket.ask()
            with self._pool.connection(
                self._hop.server,
                fresh=fresh,
                timeouts=snapshot.derive(timeouts),
                trust=snapshot.derive(Trust.of),
                admit=self._admit,
                first=self._is_urgent,
                # Where connections are limited, each is kept busy; else another one is opened.
                follow=self._ticket is not None,
                wait=wait,
            ) as connection:
                self._had_connection = True
                self._send(connection)
        except NotWhole as fault:
            self._wait_for_files(str(fault))
        except TransportFailure as failure:
            if failure.judgement.verdict is Verdict.STALE_CONNECTION and not fresh:
                return True
            self._take_refusals(failure.refused)
            self._failed(failure)
        except LimitReached as reached:
            waits_under = self._ticket.waits_under(reached.wait) if self._ticket else ""
            self._lacks_connection = reached.wait.limit == "connections"
            self.result.postponed = Postponed(
                reached.wait.at_ms, str(reached), waits_under, lacks_connection=self._lacks_connection
            )
        except SignInAwaited as awaited:
            seconds = min(awaited.wait_seconds, SIGN_IN_LOOK_SECONDS)
            until_ms = self._state.now_ms() + int(seconds * 1000)
            self.result.postponed = Postponed(until_ms, str(awaited), lacks_connection=True)
        return False

    def _send(self, connection: Connection) -> None:
        message = self._compose(connection.largest_bytes)
        envelope = connection.envelope(
            self._hop.server.envelope_sender,
            tuple(self._place),
            message.size_bytes,
            smtputf8=message.smtputf8,
        )
        self._take_refusals(envelope.refused)
        if not envelope.accepted:
            return
        accepted = tuple(self._place[address] for address in envelope.accepted)
        self._intend(accepted)
        try:
            reply = connection.message(message.chunks())
        except AttachmentFault as fault:
            # The end was not sent. Another message, without that file, may follow at once.
            connection.abort()
            self.result.rest += accepted
            self._note(
                accepted, Phase.BODY, FILE_LOST, f"an attachment was lost: {WORDS_OF_FAULT[fault.kind]}", None
            )
            # Its name is for the timeline alone: a reason reaches logs and traces too.
            self.result.entries[-1]["file"] = fault.file
            return
        for index in accepted:
            self.result.outcomes[index] = "d"
        self._note(accepted, Phase.FINAL, Verdict.DELIVERED.value, "the server took it", reply)

    def _wait_for_files(self, why: str) -> None:
        """The notification is strict, and would go without a file: it waits, or goes by another server."""
        reason = f"strict: {why}"
        self.result.judgement = Judgement(Verdict.MESSAGE_WAITS, Scope.MESSAGE, reason)
        self._note(tuple(self._place.values()), Phase.MAIL, WAITS_FOR_FILES, reason, None)

    def _intend(self, accepted: tuple[int, ...]) -> None:
        self._state.attempts += 1
        intent = Intent(
            attempt=self._state.attempts,
            fingerprint=self._hop.server.fingerprint,
            server=self._hop.server.name,
            recipients=accepted,
            if_unanswered=self._state.letter_if_unanswered(accepted),
            resend_after_ms=int(RESEND_UNCERTAIN_AFTER_SECONDS * 1000),
        )
        with tracing.step("intent"):
            answer = self._ledger.intend(self._state.claim, intent, revision=self._state.snapshot.revision)
        match answer:
            case "granted":
                self.result.intended = True
            case "stale":
                raise ClaimLost
            case "changed":
                raise OptionsChanged
            case _:
                raise NotToBeSent(answer)

    def _take_refusals(self, refused: Mapping[str, Refusal]) -> None:
        """What the server said of single recipients holds, whatever becomes of the others."""
        told: list[Refused] = []
        for address, refusal in refused.items():
            index, judgement = self._place.pop(address), refusal.judgement
            if judgement.verdict is Verdict.TOO_MANY:
                self.result.rest.append(index)
                continue
            self._recipient_refused(index, judgement)
            told.append(Refused(index, address, judgement.verdict, judgement.reason, refusal.reply))
        for indexes, verdict, reason, reply in alike(told):
            self._note(indexes, Phase.RCPT, verdict.value, reason, reply)

    def _recipient_refused(self, index: int, judgement: Judgement) -> None:
        if judgement.verdict is Verdict.RECIPIENT_REFUSED:
            self.result.refused.append(index)
        elif judgement.scope is Scope.SERVER:
            self.result.judgement = judgement
        elif judgement.retry_after_seconds:
            self.result.waits[index] = judgement.retry_after_seconds

    def _failed(self, failure: TransportFailure) -> None:
        judgement = failure.judgement
        indexes = tuple(self._place.values())
        self.result.judgement = judgement
        if judgement.verdict is Verdict.UNCERTAIN:
            letter = self._state.letter_if_unanswered(indexes)
            self.result.outcomes.update(dict.fromkeys(indexes, letter))
        elif judgement.verdict is Verdict.MESSAGE_REFUSED:
            self.result.refused.extend(indexes)
        elif judgement.verdict is Verdict.MESSAGE_WAITS and judgement.retry_after_seconds:
            self.result.waits.update(dict.fromkeys(indexes, judgement.retry_after_seconds))
        self._note(indexes, failure.phase, judgement.verdict.value, judgement.reason, failure.reply)

    def _note(
        self, indexes: tuple[int, ...], phase: Phase, verdict: str, reason: str, reply: Reply | None
    ) -> None:
        self.result.entries.append(
            {
                "at": self.began_at_ms,
                "pass": self._state.claim.passes + 1,
                "server": self._hop.server.name,
                "rule": self._hop.rule,
                "stage": phase.value,
                "verdict": verdict,
                "reason": reason,
                "code": reply.code if reply else None,
                "enhanced": str(reply.enhanced) if reply and reply.enhanced else None,
                "text": reply.text if reply else None,
                "indexes": list(indexes),
                "revision": self._state.snapshot.revision,
                "seconds": round(self._clock() - self._began, 3),
                "next_at": None,
            }
        )
