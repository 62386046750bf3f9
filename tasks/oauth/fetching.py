"""One token from the identity service, by the token library of its maker."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from tasks.oauth.identity_fault import late, not_an_identity_service, refusal
from tasks.oauth.identity_http import IdentityHttp
from tasks.server import OAuth
from tasks.transports.failure import TokenFailure

#: For discovery and token together.
FETCH_SECONDS: Final = 15.0


@dataclass(frozen=True, slots=True)
class FreshToken:
    """A token as it was issued.

    Attributes:
        text: What is sent.
        lifetime_seconds: How long it holds from now on.
    """

    text: str = field(repr=False)
    lifetime_seconds: int


#: Gets a token from the identity service; raises as `fetch_token` does.
Fetch = Callable[[OAuth], FreshToken]


class _Told(msgspec.Struct):
    """The body of a refusal."""

    error: str = ""
    error_codes: list[int] = []


def fetch_token(sign_in: OAuth) -> FreshToken:
    """Ask for a token with the application's secret (RFC 6749 4.4).

    Nothing is remembered here, neither token nor refusal: the library's own memory would go on with the old
    token after a new secret, and with the old refusal after the cure.

    Raises:
        TokenFailure: None is issued, or none can be had now; the words say why, and quote no answer.
        settings_store.errors.SecretFault: This process cannot open the secret.
    """
    secret = sign_in.client_secret()
    answers: queue.SimpleQueue[FreshToken | TokenFailure] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put(_asked(sign_in, secret))
        except TokenFailure as failure:
            answers.put(failure)

    # Neither the system's resolver nor the reading of headers knows a time-out for the whole of it, so they
    # are left to a thread that may be left behind.
    threading.Thread(target=ask, name="token", daemon=True).start()
    try:
        answer = answers.get(timeout=FETCH_SECONDS)
    except queue.Empty:
        raise late() from None
    if isinstance(answer, TokenFailure):
        raise answer
    return answer


def _asked(sign_in: OAuth, secret: str) -> FreshToken:
    # Imported where it is used: it takes longer than everything else that a command imports.
    import msal  # noqa: PLC0415

    http = IdentityHttp(sign_in.endpoint, seconds=FETCH_SECONDS)
    try:
        application = msal.ConfidentialClientApplication(
            sign_in.application_id,
            client_credential=secret,
            authority=f"https://{sign_in.endpoint.authority_host}/{sign_in.tenant_id}",
            # That asks Microsoft's public cloud whether the host is known; an administrator named this one.
            instance_discovery=False,
            http_client=http,
        )
        answer: Any = application.acquire_token_for_client(scopes=[sign_in.endpoint.scope])
    except TokenFailure:
        raise
    except Exception:  # noqa: BLE001  # the library raises whatever it likes, and may quote what it was given
        answer = None
    finally:
        http.close()
    return _token(answer, http)


def _token(answer: Any, http: IdentityHttp) -> FreshToken:
    if isinstance(answer, dict) and isinstance(answer.get("access_token"), str) and answer["access_token"]:
        try:
            return FreshToken(answer["access_token"], int(answer["expires_in"]))
        except (KeyError, TypeError, ValueError):
            raise not_an_identity_service() from None
    if http.last is None or http.last.status_code < 400:  # noqa: PLR2004  # no refusal
        raise not_an_identity_service()
    try:
        told = msgspec.json.decode(http.last.text, type=_Told)
    except msgspec.MsgspecError:
        raise not_an_identity_service() from None
    raise refusal(told.error, told.error_codes)
