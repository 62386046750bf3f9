"""Signing in: one mechanism, chosen before anything is sent, and never a second one after a refusal.

The next mechanism would be a second failed logon for one wrong password, and accounts lock after a few.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from tasks.server import Basic, OAuth

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class UnusableCredentials(ValueError):
    """A user name, password or token cannot be sent; the message says why, without it."""


@dataclass(frozen=True, slots=True)
class Dialogue:
    """What is sent for one sign-in: the command, then one line for each 334, and no more.

    Attributes:
        command: AUTH with its mechanism.
        answers: Lines for the server's challenges, in order.
    """

    command: str = field(repr=False)
    answers: tuple[str, ...] = field(default=(), repr=False)


def choose_mechanism(offered: Iterable[str], sign_in: Basic | OAuth) -> str | None:
    """XOAUTH2 for a token; PLAIN, else LOGIN, for a password; None where the server offers none of these."""
    mechanisms = {name.upper() for name in offered}
    ours = ("XOAUTH2",) if isinstance(sign_in, OAuth) else ("PLAIN", "LOGIN")
    return next((name for name in ours if name in mechanisms), None)


def dialogue(mechanism: str, user: str, secret: str) -> Dialogue:
    """What to send for a user and its password (PLAIN, RFC 4616; LOGIN) or token (XOAUTH2).

    Raises:
        UnusableCredentials: A character cannot be sent by this mechanism.
    """
    # A control character would end a field of PLAIN or XOAUTH2 early, and nobody's name or token has one.
    if _CONTROL.search(user):
        raise UnusableCredentials("the sign-in's user name holds a control character")
    if mechanism == "XOAUTH2":
        if _CONTROL.search(secret):
            raise UnusableCredentials("the token holds a control character")
        # A refusal comes as a 334 with its reasons; an empty line asks for the final reply.
        token = _encode(f"user={user}\x01auth=Bearer {secret}\x01\x01")
        return Dialogue(f"AUTH XOAUTH2 {token}", ("",))
    if mechanism == "PLAIN":
        if "\0" in secret:
            raise UnusableCredentials("the password holds a NUL character")
        both = _encode(f"\0{user}\0{secret}")
        return Dialogue(f"AUTH PLAIN {both}")
    return Dialogue("AUTH LOGIN", (_encode(user), _encode(secret)))


def _encode(text: str) -> str:
    try:
        return base64.b64encode(text.encode()).decode("ascii")
    except UnicodeEncodeError:
        raise UnusableCredentials("the sign-in holds a character that is no Unicode text") from None
