"""What an exception from below means over HTTP: a status, what is wrong, and what to do about it.

Pages and API tell the same fault, each in its form. No fault holds a secret, nor what Redis was sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import redis
from starlette.exceptions import HTTPException

from settings_store import access, errors
from tasks.breaker import InvalidPause
from tasks.ledger import LedgerUnavailable
from tasks.ledger.search import InvalidCursor
from tasks.notification import InvalidNotification
from tasks.pausing import ServerNotSet
from tasks.publisher import ExpiredAlready, KeyConflict
from tasks.server_test import InvalidDraft, TestNotTaken

_INVALID: Final = 422
_REDIS_AWAY: Final = "Redis does not answer, so nothing can be read or saved; what was accepted is safe"


@dataclass(frozen=True, slots=True)
class FieldFault:
    """What is wrong with one field.

    Attributes:
        field: Its name: an option, or a path into a document (`to[1]`).
        detail: The fault, and what is allowed.
    """

    field: str
    detail: str


@dataclass(frozen=True, slots=True)
class Fault:
    """How a request ends other than well.

    Attributes:
        status: Of the reply.
        kind: Its name in URLs and in `type`: `stale-revision`.
        title: The kind of fault in a few words, the same each time.
        detail: What is wrong this time.
        advice: What to do; may be blank.
        fields: Each field that is not as it should be.
        retry_after_seconds: When asking again makes sense; None where that is not known.
    """

    status: int
    kind: str
    title: str
    detail: str
    advice: str = ""
    fields: tuple[FieldFault, ...] = ()
    retry_after_seconds: int | None = None


def not_answered_for(sent_as: str) -> Fault:
    """Redis went away before it said whether it had recorded this one of many."""
    return Fault(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "not-answered-for",
        "Redis went away",
        "Redis was sent this and did not answer: whether it is accepted is unknown",
        f'send it again with "id": "{sent_as}"; it is never accepted twice',
        retry_after_seconds=5,
    )


def not_sent() -> Fault:
    """Redis went away before it was sent this one of many."""
    return _unavailable(
        "redis-away", "Redis does not answer", "this was not accepted: Redis went away before"
    )


class Refusal(Exception):
    """Ends a request with a fault that no room below knows."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.kind)
        self.fault = fault


def invalid(field: str, detail: str) -> Refusal:
    """A field of the request that cannot be used."""
    return Refusal(
        Fault(
            _INVALID,
            "invalid",
            "Not allowed",
            f"{field}: {detail}",
            fields=(FieldFault(field, detail),),
        )
    )


def not_found(what: str, advice: str = "") -> Refusal:
    """There is no such thing."""
    return Refusal(Fault(HTTPStatus.NOT_FOUND, "not-found", "Not found", what, advice))


def fault_of(error: BaseException) -> Fault | None:
    """The fault of an exception; None where it is a defect of ours."""
    match error:
        case Refusal():
            return error.fault
        case HTTPException():
            return _of_framework(error)
        case redis.exceptions.OutOfMemoryError() | LedgerUnavailable():
            return _unavailable("full", "Redis is nearly full", str(error))
        case redis.RedisError():
            return _unavailable("redis-away", "Redis does not answer", _REDIS_AWAY)
        case errors.SettingsError():
            return _of_access(error) if isinstance(error, access.AccessFault) else _of_settings(error)
    return _of_tasks(error)


def _of_tasks(error: BaseException) -> Fault | None:
    match error:
        case InvalidNotification():
            field = FieldFault(error.field, f"{error.fault}; allowed: {error.allowed}")
            return Fault(_INVALID, "invalid", "Not allowed", str(error), fields=(field,))
        case InvalidDraft() | InvalidCursor() | InvalidPause() | ExpiredAlready():
            return _one_field(str(error))
        case KeyConflict():
            return Fault(HTTPStatus.CONFLICT, "key-conflict", "Other content under this key", str(error))
        case ServerNotSet():
            return Fault(
                HTTPStatus.CONFLICT,
                "server-not-set",
                "Server not set",
                f"{error}: no server of that name is set",
                "name a server in the settings first",
            )
        case TestNotTaken():
            return _unavailable("no-worker", "No worker takes the test", str(error))
    return None


def _of_framework(error: HTTPException) -> Fault:
    phrase = HTTPStatus(error.status_code).phrase
    kind = phrase.lower().replace(" ", "-")
    details = {
        HTTPStatus.NOT_FOUND: "there is nothing at this address",
        HTTPStatus.METHOD_NOT_ALLOWED: "this address does not take that method",
    }
    known = details.get(HTTPStatus(error.status_code))
    return Fault(error.status_code, kind, phrase.capitalize(), known or str(error.detail))


def _of_access(error: access.AccessFault) -> Fault:
    words = str(error)
    match error:
        case access.NotPermitted():
            return Fault(
                HTTPStatus.FORBIDDEN,
                "forbidden",
                "Not allowed",
                f"this needs the privilege {error.privilege}",
                "ask somebody with Role_ocadm for a role that holds it",
            )
        case access.SignInRefused():
            return Fault(HTTPStatus.UNAUTHORIZED, "sign-in-refused", "Not signed in", words)
        case access.SignInLocked():
            wait = max(1, round(error.wait_seconds))
            return Fault(
                HTTPStatus.TOO_MANY_REQUESTS,
                "sign-in-locked",
                "Too many tries",
                words,
                retry_after_seconds=wait,
            )
        case access.UnknownName():
            return Fault(HTTPStatus.NOT_FOUND, "not-found", "Not found", words)
    return Fault(HTTPStatus.CONFLICT, "conflict", "Cannot be done now", words)


def _of_settings(error: errors.SettingsError) -> Fault:
    match error:
        case errors.InvalidOption():
            fields = tuple(_field(str(each)) for each in error.faults)
            return Fault(
                _INVALID,
                "invalid",
                "Not allowed",
                "; ".join(map(str, error.faults)),
                fields=fields,
            )
        case errors.UnreadableOptions():
            return _one_field(str(error))
        case errors.StaleRevision():
            return Fault(
                HTTPStatus.CONFLICT,
                "stale-revision",
                "Somebody saved in between",
                str(error),
                "look at what holds now, then repeat the change",
            )
        case errors.UnknownRevision():
            return Fault(HTTPStatus.NOT_FOUND, "not-found", "Not found", str(error))
        case errors.SecretFault():
            return Fault(HTTPStatus.CONFLICT, "secret-fault", "Secrets cannot be used here", str(error))
    return Fault(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "damaged",
        "Not readable",
        str(error),
        "see that NOTIFY_REDIS_URL and NOTIFY_PREFIX name this installation and no other program",
    )


def _unavailable(kind: str, title: str, detail: str) -> Fault:
    return Fault(
        HTTPStatus.SERVICE_UNAVAILABLE, kind, title, detail, "try again in a moment", retry_after_seconds=5
    )


def _one_field(words: str) -> Fault:
    field = _field(words)
    return Fault(_INVALID, "invalid", "Not allowed", words, fields=(field,))


def _field(words: str) -> FieldFault:
    """Our errors begin with the field: `to[1]: is no address; allowed: …`."""
    field, _, detail = words.partition(": ")
    return FieldFault(field, detail or words)
