"""What servers say in words where their codes are too coarse; matched against replies seen in the wild."""

from __future__ import annotations

import re

_FLAGS = re.ASCII | re.IGNORECASE

_SIGN_IN_OR_RELAY = re.compile(
    r"\brelay(?:ing)?\s+(?:access\s+)?(?:is\s+)?(?:denied|prohibited|not\s+(?:permitted|allowed))"
    r"|\b(?:unable|cannot|not\s+(?:permitted|allowed|authori[sz]ed))\s+to\s+relay"
    r"|\bdo(?:es)?\s+not\s+relay"
    r"|\bauthentication\s+(?:is\s+)?required|\brequires\s+authentication|\bmust\s+(?:first\s+)?authenticate"
    r"|\b(?:client|user|sender)\s+(?:was|is)?\s*not\s+authenticated|\bauth(?:enticate)?\s+first\b"
    r"|\bmust\s+issue\s+a?\s*starttls|\bstarttls\s+(?:is\s+)?required"
    r"|\bclient\s+host\s+(?:rejected|\S{1,80}\s+blocked|blocked)",
    _FLAGS,
)
_AUTH_OFF = re.compile(r"\bSmtpClientAuthentication\s+is\s+disabled\b", _FLAGS)
_PASSWORDS_RETIRED = re.compile(r"\bbasic\s+authentication\s+is\s+(?:disabled|not\s+supported)", _FLAGS)
_SEND_AS = re.compile(
    r"SendAsDenied|permissions?\s+to\s+send\s+as|\bnot\s+owned\s+by\s+user|\brejected:\s+not\s+logged\s+in|\bsend\s+as\s+this\s+sender",
    _FLAGS,
)
# These are the recipient's own rules about who may write to it.
_RECIPIENT_RULE = re.compile(r"RESOLVER\.RST|\bfor\s+(?:this\s+)?(?:group|recipient)\b", _FLAGS)
_SENDING_QUOTA = re.compile(
    r"SubmissionQuotaExceeded"
    r"|\b(?:daily|hourly|sending|submission|message|relay|sender(?:'s)?)\b[\w\s]{0,40}"
    r"\b(?:limit|quota|rate)\s+(?:was\s+|is\s+|has\s+been\s+)?(?:exceeded|reached)"
    r"|\bmaximum\s+sending\s+rate\b",
    _FLAGS,
)
_QUOTA = re.compile(r"quota", _FLAGS)
_BUSY = re.compile(
    r"\bthrottl"
    r"|\brate\s*-?\s*limit"
    r"|\btoo\s+many\s+(?:concurrent\s+|open\s+|smtp\s+)?(?:connections|sessions|messages|mails|requests)"
    r"|\bconcurrent\s+connections?\b"
    r"|\bthread\s+limit\b",
    _FLAGS,
)
_SHUTTING_DOWN = re.compile(
    r"\bservice\s+(?:is\s+)?(?:currently\s+)?(?:not\s+(?:available|active)|unavailable)|\bshutting\s+down",
    _FLAGS,
)
_GREYLISTED = re.compile(r"\bgr[ae]y-?\s?list", _FLAGS)


def blames_sign_in_or_relay(text: str) -> bool:
    """Sign-in, relaying or the right to send as the sender: an operator must change something."""
    return blames_send_as(text) or (
        _SIGN_IN_OR_RELAY.search(text) is not None and _RECIPIENT_RULE.search(text) is None
    )


def says_auth_is_off(text: str) -> bool:
    """Exchange takes no sign-in by SMTP for this mailbox, or for any of the tenant."""
    return _AUTH_OFF.search(text) is not None


def says_passwords_are_retired(text: str) -> bool:
    """Exchange takes tokens alone."""
    return _PASSWORDS_RETIRED.search(text) is not None


def blames_send_as(text: str) -> bool:
    """The account may not send with this sender."""
    return _SEND_AS.search(text) is not None


def names_sending_quota(text: str) -> bool:
    """The sending account used up what it may send."""
    return _SENDING_QUOTA.search(text) is not None


def names_quota(text: str) -> bool:
    """A quota of whatever kind."""
    return _QUOTA.search(text) is not None


def says_busy(text: str) -> bool:
    """The server limits rate or connections."""
    return _BUSY.search(text) is not None


def says_shutting_down(text: str) -> bool:
    """The service is out of work, as in maintenance: not our pace is at fault."""
    return _SHUTTING_DOWN.search(text) is not None


def says_greylisted(text: str) -> bool:
    """This pair of sender and recipient must come back later."""
    return _GREYLISTED.search(text) is not None
