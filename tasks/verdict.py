"""What a server's behaviour means: from one outcome to one judgement, by a table.

    1  silence after the end of the text         uncertain
    2  a reused connection fails before 354      stale connection
    3  sign-in, relay, SendAs, certificate …     misconfigured
    4  a limit of rate, connections or quota     throttled
    5  refused, unreachable, lost, 421 …         server down
    6  452 or 552 after an accepted recipient    too many
    7  4xx on RCPT                               recipient waits
    8  5xx on RCPT                               recipient refused
    9  4xx on MAIL, DATA, text or dot            message waits
   10  5xx on MAIL, DATA, text or dot            message refused
   11  2xx after the dot                         delivered

The first match wins. The code decides first, the enhanced status code refines, the words of the reply come
last, and the phase gives the scope. No 4xx reply is ever final.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, replace

from tasks.transports.answer import Answer
from tasks.transports.configuration_fault import SIGN_IN_REFUSED, configuration_fault
from tasks.transports.limit import limit
from tasks.transports.outcome import Kind, Outcome
from tasks.transports.phase import Phase
from tasks.transports.retry_after import retry_after_seconds


class Verdict(enum.Enum):
    """What is to be done; the rows of the table."""

    UNCERTAIN = "uncertain"
    STALE_CONNECTION = "stale_connection"
    MISCONFIGURED = "misconfigured"
    THROTTLED = "throttled"
    SERVER_DOWN = "server_down"
    TOO_MANY = "too_many"
    RECIPIENT_WAITS = "recipient_waits"
    RECIPIENT_REFUSED = "recipient_refused"
    MESSAGE_WAITS = "message_waits"
    MESSAGE_REFUSED = "message_refused"
    DELIVERED = "delivered"

    @property
    def refuses(self) -> bool:
        """Whether this server will never take it: only a refusal by every server makes a failure."""
        return self in {Verdict.RECIPIENT_REFUSED, Verdict.MESSAGE_REFUSED}


class Scope(enum.Enum):
    """What a judgement speaks of."""

    SERVER = "server"
    MESSAGE = "message"
    RECIPIENT = "recipient"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What an outcome means.

    Attributes:
        verdict: The row of the table.
        scope: Whether it speaks of the server, the message or one recipient.
        reason: Why, in plain words, without addresses and without the reply's text.
        retry_after_seconds: The least wait that was asked for, if any.
    """

    verdict: Verdict
    scope: Scope
    reason: str
    retry_after_seconds: int | None = None


_CONNECTION_LOST = frozenset(
    {Kind.REFUSED, Kind.UNREACHABLE, Kind.TIMEOUT, Kind.LOST, Kind.GARBLED, Kind.DNS, Kind.TLS}
)
_MISCONFIGURED = frozenset(
    {
        Kind.TLS_UNUSABLE,
        Kind.CERTIFICATE,
        Kind.CA_BUNDLE,
        Kind.CLIENT_CERTIFICATE,
        Kind.STARTTLS_MISSING,
        Kind.AUTH_MISSING,
        Kind.CREDENTIALS,
        Kind.TOKEN,
        Kind.SERVER_ADDRESS,
        Kind.SENDER_ADDRESS,
    }
)
_TRANSACTION = frozenset({Phase.MAIL, Phase.RCPT, Phase.DATA, Phase.BODY, Phase.FINAL})
_CLOSING = 421
_NOT_SIGNED_IN = 530
_TRY_LATER_CODES = frozenset({452, 552})
_TOO_MANY_RECIPIENTS = (5, 3)


def judge(outcome: Outcome) -> Judgement:
    """Say what an outcome means. Pure and total: every outcome has exactly one judgement."""
    if outcome.kind is not Kind.REPLY:
        return _without_reply(outcome)
    if outcome.reply is None or outcome.reply.code // 100 not in {2, 4, 5}:
        return _out_of_turn(outcome)
    answer = Answer(outcome.phase, outcome.reply)
    judgements = (row(outcome, answer) for row in _ROWS)
    return next((each for each in judgements if each is not None), None) or _out_of_turn(outcome)


def _without_reply(outcome: Outcome) -> Judgement:
    kind, scope = outcome.kind, Scope.SERVER
    if kind in _CONNECTION_LOST and outcome.phase is Phase.FINAL:
        verdict, scope = Verdict.UNCERTAIN, Scope.MESSAGE
    elif kind in _CONNECTION_LOST and outcome.reused and outcome.phase.before_text:
        verdict = Verdict.STALE_CONNECTION
    elif kind in _MISCONFIGURED:
        verdict = Verdict.MISCONFIGURED
    elif kind in {Kind.TOO_LARGE, Kind.UTF8_MISSING}:
        verdict, scope = Verdict.MESSAGE_REFUSED, Scope.MESSAGE
    elif kind is Kind.RECIPIENT_ADDRESS:
        verdict, scope = Verdict.RECIPIENT_REFUSED, Scope.RECIPIENT
    else:
        verdict = Verdict.SERVER_DOWN
    return Judgement(verdict, scope, outcome.detail or kind.value, outcome.retry_after_seconds)


def _out_of_turn(outcome: Outcome) -> Judgement:
    """A reply that answers nothing: client and server no longer speak of the same step."""
    return _without_reply(replace(outcome, kind=Kind.GARBLED))


def _stale(outcome: Outcome, answer: Answer) -> Judgement | None:
    # 530 on a connection that had signed in: the server forgot it, a new connection tells what is true.
    if outcome.reused and answer.phase.before_text and answer.code in {_CLOSING, _NOT_SIGNED_IN}:
        reason = "the server had given the connection up"
        return Judgement(Verdict.STALE_CONNECTION, Scope.SERVER, reason)
    return None


def _misconfigured(outcome: Outcome, answer: Answer) -> Judgement | None:
    reason = configuration_fault(answer)
    if reason == SIGN_IN_REFUSED and outcome.detail:
        reason = outcome.detail
    return Judgement(Verdict.MISCONFIGURED, Scope.SERVER, reason) if reason else None


def _throttled(_outcome: Outcome, answer: Answer) -> Judgement | None:
    reason = limit(answer)
    if not reason:
        return None
    return Judgement(Verdict.THROTTLED, Scope.SERVER, reason, retry_after_seconds(answer.text))


def _server_down(_outcome: Outcome, answer: Answer) -> Judgement | None:
    if answer.code == _CLOSING:
        return Judgement(Verdict.SERVER_DOWN, Scope.SERVER, "the server closes the connection")
    if answer.phase not in _TRANSACTION and not answer.agrees:
        return Judgement(Verdict.SERVER_DOWN, Scope.SERVER, "the server is not ready")
    return None


def _too_many(outcome: Outcome, answer: Answer) -> Judgement | None:
    if answer.phase is not Phase.RCPT or not outcome.accepted_before or answer.agrees:
        return None
    # 452 and 552 with a status about something else (box full, size) speak of that recipient alone.
    unspecific = answer.code in _TRY_LATER_CODES and answer.status is None
    if unspecific or answer.status == _TOO_MANY_RECIPIENTS:
        reason = "the server takes no more recipients in one message"
        return Judgement(Verdict.TOO_MANY, Scope.RECIPIENT, reason)
    return None


def _recipient(_outcome: Outcome, answer: Answer) -> Judgement | None:
    if answer.phase is not Phase.RCPT or answer.agrees:
        return None
    # RFC 5321 4.5.3.1.10: "too many recipients" passes, also where the code says 552.
    if answer.passing or answer.status == _TOO_MANY_RECIPIENTS:
        reason = "the server cannot take this recipient now"
        wait = retry_after_seconds(answer.text)
        return Judgement(Verdict.RECIPIENT_WAITS, Scope.RECIPIENT, reason, wait)
    return Judgement(Verdict.RECIPIENT_REFUSED, Scope.RECIPIENT, "the server refused this recipient")


def _message(_outcome: Outcome, answer: Answer) -> Judgement | None:
    if answer.passing:
        reason = "the server cannot take the message now"
        return Judgement(Verdict.MESSAGE_WAITS, Scope.MESSAGE, reason, retry_after_seconds(answer.text))
    if answer.lasting:
        return Judgement(Verdict.MESSAGE_REFUSED, Scope.MESSAGE, "the server refused the message")
    return None


def _delivered(_outcome: Outcome, answer: Answer) -> Judgement | None:
    if answer.phase is Phase.FINAL:
        return Judgement(Verdict.DELIVERED, Scope.MESSAGE, "the server took the message over")
    return None


_ROWS: tuple[Callable[[Outcome, Answer], Judgement | None], ...] = (
    _stale,
    _misconfigured,
    _throttled,
    _server_down,
    _too_many,
    _recipient,
    _message,
    _delivered,
)
