"""The two cookies: the session's, and before the sign-in one that the form of the sign-in belongs to.

Over TLS their names begin with `__Host-`, which browsers take from this very host over TLS alone.
"""

from __future__ import annotations

import secrets
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

_SESSION: Final = "notify-session"
_GUEST: Final = "notify-guest"
_MAXIMUM_CHARACTERS: Final = 100


def session_id(request: Request) -> str:
    """The id of the session that the browser keeps; blank where it keeps none."""
    return _read(request, _SESSION)


def guest_id(request: Request) -> str:
    """What the browser keeps before the sign-in; blank where it keeps nothing."""
    return _read(request, _GUEST)


def new_guest_id() -> str:
    """Random."""
    return secrets.token_urlsafe(16)


def keep_session(request: Request, response: Response, value: str) -> None:
    """Have the browser keep a session until it is closed; the server ends it sooner."""
    _write(request, response, _SESSION, value)


def keep_guest(request: Request, response: Response, value: str) -> None:
    """Have the browser keep what the form of the sign-in belongs to."""
    _write(request, response, _GUEST, value)


def forget_session(request: Request, response: Response) -> None:
    """Have the browser forget the session."""
    response.delete_cookie(_name(request, _SESSION), secure=_over_tls(request), httponly=True, samesite="lax")


def _over_tls(request: Request) -> bool:
    return request.url.scheme == "https"


def _name(request: Request, name: str) -> str:
    return f"__Host-{name}" if _over_tls(request) else name


def _read(request: Request, name: str) -> str:
    value = request.cookies.get(_name(request, name), "")
    return value if value.isascii() and len(value) <= _MAXIMUM_CHARACTERS else ""


def _write(request: Request, response: Response, name: str, value: str) -> None:
    # Lax and not strict: a link in a mail to a message's page must find its reader signed in.
    response.set_cookie(_name(request, name), value, secure=_over_tls(request), httponly=True, samesite="lax")
