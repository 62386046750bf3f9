"""Replies that ask us to slow down: limits of pace, connections and quota (row 4)."""

from __future__ import annotations

from tasks.transports import reply_wording as wording
from tasks.transports.answer import Answer
from tasks.transports.phase import Phase
from tasks.transports.retry_after import asks_to_retry_later

_TOO_MUCH_AT_ONCE = 432
_OUT_OF_ORDER = 454
_ADDRESS, _MAILBOX, _POLICY = 1, 2, 7
_BOX_FULL = (2, 2)
_SYSTEM_BUSY = (3, 2)
# Quotas of Exchange that cure themselves although the code says 5xx.
_PASSING_LIMITS = frozenset({(1, 90), (7, 232), (7, 233)})


def limit(answer: Answer) -> str:
    """Which limit was met, in words; empty where the reply speaks of none."""
    if answer.agrees:
        return ""
    if passing_limit(answer) or (answer.passing and _quota(answer)):
        return "the sending account's quota is used up"
    if _is_about_recipient(answer):
        return ""
    if asks_to_retry_later(answer.text):
        return "the server asks to come back later"
    if answer.passing and _pace(answer):
        return "the server limits how much is sent at once"
    return ""


def passing_limit(answer: Answer) -> bool:
    """Whether a 5xx cures itself: the sender's quota, or its full box."""
    return answer.lasting and (answer.status in _PASSING_LIMITS or _quota(answer))


def _is_about_recipient(answer: Answer) -> bool:
    # Greylisting holds one pair of sender and recipient back, not us.
    own = answer.is_about(_ADDRESS) or answer.is_about(_MAILBOX) or wording.says_greylisted(answer.text)
    return own and answer.phase is Phase.RCPT and answer.code != _TOO_MUCH_AT_ONCE


def _quota(answer: Answer) -> bool:
    if wording.names_sending_quota(answer.text):
        return True
    # The full box is the recipient's in a reply to RCPT, and the sender's (Sent Items) elsewhere.
    full = answer.status == _BOX_FULL or (answer.is_about(_MAILBOX) and wording.names_quota(answer.text))
    return full and answer.phase is not Phase.RCPT


def _pace(answer: Answer) -> bool:
    if answer.code == _TOO_MUCH_AT_ONCE or wording.says_busy(answer.text):
        return True
    if answer.status == _SYSTEM_BUSY:
        # Exchange in maintenance says 421 4.3.2 as well: that is no pace, and another server should be tried.
        return not wording.says_shutting_down(answer.text)
    # 454 4.7.0 is what STARTTLS and AUTH say where the server's own TLS or password service is out of order.
    out_of_order = answer.code == _OUT_OF_ORDER and answer.phase in {Phase.TLS, Phase.AUTH}
    return answer.is_about(_POLICY) and not out_of_order
