"""What an identity service's refusal means, in words an operator can act on.

The numbers are those of Microsoft Entra (its reference of AADSTS error codes), which may change: they choose
the words. What is passing and what is not goes by the status and by OAuth's own `error` (RFC 6749 5.2).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from tasks.transports.failure import TokenFailure

_UNKNOWN_TENANT: Final = "the identity service knows no such tenant"
_UNKNOWN_APPLICATION: Final = "the tenant knows no such application"
_WRONG_SCOPE: Final = "the identity service does not know the scope that is asked for"
_NO_PERMISSION: Final = "the application has no permission that an administrator consented to"
_POLICY: Final = "a policy of the tenant (conditional access) forbids the application to sign in"
_DISABLED: Final = "the application is disabled in the tenant"

_WORDS: Final[Mapping[int, str]] = {
    90002: _UNKNOWN_TENANT,
    900021: _UNKNOWN_TENANT,
    900023: _UNKNOWN_TENANT,
    700016: _UNKNOWN_APPLICATION,
    7000229: _UNKNOWN_APPLICATION,
    7000215: "the client secret is wrong",
    7000216: "the client secret is wrong",
    7000218: "the client secret is wrong",
    7000222: "the client secret has expired",
    7000112: _DISABLED,
    500014: _DISABLED,
    65001: _NO_PERMISSION,
    501051: _NO_PERMISSION,
    650052: _NO_PERMISSION,
    650056: _NO_PERMISSION,
    650057: _NO_PERMISSION,
    70011: _WRONG_SCOPE,
    500011: _WRONG_SCOPE,
    1002012: _WRONG_SCOPE,
    53000: _POLICY,
    53001: _POLICY,
    53003: _POLICY,
    530035: _POLICY,
}
_BUSY: Final = "the identity service is busy or out of order"
_PASSING_CODES: Final = frozenset({50196, 90006, 90007, 90009, 90033, 90036})
_PASSING_ERRORS: Final = frozenset({"temporarily_unavailable", "server_error"})
_BY_ERROR: Final[Mapping[str, str]] = {
    "invalid_client": "the identity service does not accept application and client secret",
    "unauthorized_client": _NO_PERMISSION,
    "invalid_scope": _WRONG_SCOPE,
    "invalid_resource": _WRONG_SCOPE,
    "invalid_tenant": _UNKNOWN_TENANT,
}


def refusal(error: str, codes: Sequence[int]) -> TokenFailure:
    """What to raise for a refusal.

    Args:
        error: OAuth's word for it; blank where there is none.
        codes: The service's own numbers.
    """
    number = next((f" (AADSTS{code})" for code in codes), "")
    if error in _PASSING_ERRORS or _PASSING_CODES & set(codes):
        return TokenFailure(f"{_BUSY}{number}", transient=True)
    words = next((_WORDS[code] for code in codes if code in _WORDS), "")
    words = words or _BY_ERROR.get(error, "the identity service refuses to issue a token")
    return TokenFailure(f"{words}{number}")


def busy(retry_after_seconds: int | None) -> TokenFailure:
    """What to raise where the service cannot answer now."""
    return TokenFailure(_BUSY, transient=True, retry_after_seconds=retry_after_seconds)


def not_an_identity_service() -> TokenFailure:
    """What to raise where something else answers."""
    return TokenFailure("the answer is not that of an identity service")


def late() -> TokenFailure:
    """What to raise where the service takes too long."""
    return TokenFailure("the identity service does not answer in time", transient=True)
