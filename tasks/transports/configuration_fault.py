"""Replies that only a person can cure: sign-in, relaying, the right to send as the sender (row 3)."""

from __future__ import annotations

from collections.abc import Callable

from tasks.transports import reply_wording as wording
from tasks.transports.answer import Answer
from tasks.transports.limit import passing_limit
from tasks.transports.phase import Phase

_POLICY = 7
_SIGN_IN_CODES = frozenset({530, 534, 535, 538})
# What RFC 3463, its registry and Exchange say about sign-in, relaying and sending as: details of subject 7.
_SIGN_IN_DETAILS = frozenset({3, 8, 9, 10, 11, 12, 13, 14, 30, 54, 57, 60, 64, 139})
# Exchange has blocked the tenant, its traffic or its address: an operator must have it unblocked.
_BLOCKED_DETAILS = frozenset({705, 708, 750, *range(606, 650)})
_SEND_AS_DENIED = (2, 252)
_PASSWORDS_RETIRED = (_POLICY, 30)
#: Where the server does not say why.
SIGN_IN_REFUSED = "the server refused the sign-in"
# Nothing of the message is known to the server yet, so a refusal by policy is about us.
_ABOUT_US = frozenset({Phase.GREETING, Phase.EHLO, Phase.TLS, Phase.AUTH, Phase.NOOP, Phase.MAIL})


def configuration_fault(answer: Answer) -> str:
    """Why the settings do not fit this server, in words; empty where the reply does not say so."""
    if answer.agrees:
        return ""
    return next((reason for reason, holds in _FAULTS if holds(answer)), "")


def _has_turned_auth_off(answer: Answer) -> bool:
    return wording.says_auth_is_off(answer.text)


def _has_retired_passwords(answer: Answer) -> bool:
    retired = answer.lasting and answer.status == _PASSWORDS_RETIRED
    return retired or wording.says_passwords_are_retired(answer.text)


def _refuses_sign_in(answer: Answer) -> bool:
    return answer.phase is Phase.AUTH and answer.lasting and not passing_limit(answer)


def _refuses_starttls(answer: Answer) -> bool:
    return answer.phase is Phase.TLS and answer.lasting


def _asks_for_sign_in(answer: Answer) -> bool:
    return answer.code in _SIGN_IN_CODES


def _refuses_sender(answer: Answer) -> bool:
    return wording.blames_send_as(answer.text) or (answer.lasting and answer.status == _SEND_AS_DENIED)


def _refuses_relay(answer: Answer) -> bool:
    return wording.blames_sign_in_or_relay(answer.text) or _has_detail(answer, _SIGN_IN_DETAILS)


def _has_blocked(answer: Answer) -> bool:
    return _has_detail(answer, _BLOCKED_DETAILS)


def _refuses_by_policy(answer: Answer) -> bool:
    return (
        answer.lasting
        and answer.is_about(_POLICY)
        and answer.phase in _ABOUT_US
        and not passing_limit(answer)
    )


def _has_detail(answer: Answer, details: frozenset[int]) -> bool:
    return answer.lasting and answer.status is not None and answer.status in {(_POLICY, d) for d in details}


_FAULTS: tuple[tuple[str, Callable[[Answer], bool]], ...] = (
    ("SMTP AUTH is turned off for this mailbox or tenant", _has_turned_auth_off),
    ("the server takes no sign-in by password any more", _has_retired_passwords),
    (SIGN_IN_REFUSED, _refuses_sign_in),
    ("the server refused STARTTLS, which is required", _refuses_starttls),
    ("the server asks for another sign-in", _asks_for_sign_in),
    ("the account may not send as this sender", _refuses_sender),
    ("the server does not relay for this sign-in or host", _refuses_relay),
    ("the server has blocked this account or host", _has_blocked),
    ("the server's policy refuses this sender or host", _refuses_by_policy),
)
