"""`POST /notifications`: one, or many at once."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Header
from pydantic import BaseModel, Field
from starlette.responses import Response

from console.api.caller import SendsNotifications
from console.api.json_body import RawBody
from console.api.openapi import faults, leads_to, takes
from console.api.problem import Problem, ProblemRoute, document_of
from console.serving.fault import Fault, fault_of, invalid, not_answered_for, not_sent
from tasks.ledger import State
from tasks.notification_schema import json_schema
from tasks.publisher import Document, Outcome, Published, PublishInterrupted

router = APIRouter(route_class=ProblemRoute, prefix="/notifications", tags=["notifications"])

BATCH_MAXIMUM: Final = 500
_KEY_ALLOWED: Final = "1 to 200 printable ASCII characters"


class Receipt(BaseModel):
    """An accepted notification."""

    id: str = Field(description="Names it everywhere.")
    number: int = Field(description="The running number that stands first in the message.")
    state: State
    again: bool = Field(description="It was accepted before, under the same id or key; nothing is new.")
    unknown_tokens: list[str] = Field(
        description="Tokens in subject or text that nothing resolves; they go out as they are."
    )


class BatchResult(BaseModel):
    """What became of one of a batch: either a receipt or a problem."""

    status: int = Field(description="As this one would have been answered alone: 202, 200, 409, 422 or 503.")
    receipt: Receipt | None = None
    problem: Problem | None = None


class BatchResults(BaseModel):
    """What became of each of a batch, in its order."""

    results: list[BatchResult]
    accepted: int = Field(description="How many were accepted, now or before.")


IdempotencyKey = Annotated[
    str | None,
    Header(
        pattern=r"^[ -~]*[!-~][ -~]*$",
        max_length=200,
        description="The same key with the same content is the first notification again; with other content "
        f"it is refused. {_KEY_ALLOWED}; the same as `key` in the document.",
    ),
]


@router.post(
    "",
    status_code=HTTPStatus.ACCEPTED,
    responses={
        200: {"model": Receipt, "description": "Accepted before"},
        202: leads_to(
            "get_notification", "replay_notification", "cancel_notification", parameter="message_id"
        ),
        **faults(409, 413, 415, 422),
    },
    openapi_extra=takes(json_schema()),
)
def send_notification(
    caller: SendsNotifications, raw: RawBody, response: Response, idempotency_key: IdempotencyKey = None
) -> Receipt:
    """Accept a notification: from now on it is sent, or is in a list that a person reads."""
    key = _key(idempotency_key)
    published = caller.backend.publisher.publish(_keyed(raw, key) if key else raw)
    if published.again:
        response.status_code = HTTPStatus.OK
    response.headers["Location"] = f"/api/v1/notifications/{published.id}"
    return _receipt(published)


class _Batch(msgspec.Struct, forbid_unknown_fields=True):
    notifications: list[msgspec.Raw]


_BATCH_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["notifications"],
    "additionalProperties": False,
    "properties": {
        "notifications": {
            "type": "array",
            "minItems": 1,
            "maxItems": BATCH_MAXIMUM,
            "items": {"description": "A notification, as `POST /notifications` takes one."},
        }
    },
}


@router.post(
    "/batch",
    response_model_exclude_none=True,
    responses=faults(413, 415, 422),
    openapi_extra=takes(_BATCH_SCHEMA),
)
def send_notifications(
    caller: SendsNotifications, raw: RawBody, idempotency_key: IdempotencyKey = None
) -> BatchResults:
    """Accept many, each by itself; the reply tells of each what became of it.

    With an Idempotency-Key each one without a key of its own gets that key, a colon and its place from 0, so
    the same batch can be sent again.
    """
    try:
        batch = msgspec.json.decode(raw, type=_Batch).notifications
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        batch = []
    if not 1 <= len(batch) <= BATCH_MAXIMUM:
        raise invalid("notifications", f"is no list of notifications; allowed: 1 to {BATCH_MAXIMUM}")
    key = _key(idempotency_key)
    documents: list[Document] = [
        _keyed(bytes(one), f"{key}:{place}", only_where_none=True) if key else bytes(one)
        for place, one in enumerate(batch)
    ]
    try:
        results = [_result(outcome) for outcome in caller.backend.publisher.publish_many(documents)]
    except PublishInterrupted as broken:
        if not (broken.receipts or broken.unknown):
            raise
        results = [_as_far_as_known(place, broken) for place in range(len(documents))]
    return BatchResults(results=results, accepted=sum(result.receipt is not None for result in results))


def _key(given: str | None) -> str | None:
    """The key of the header; it may stand in quotes, as the draft standard has it."""
    if given is None:
        return None
    in_quotes = given[0] == given[-1] == '"' and given[1:-1].strip()
    return given[1:-1] if in_quotes else given


def _keyed(raw: bytes, key: str, *, only_where_none: bool = False) -> Document:
    """The document with the key of the header; as it came where it is no object: that is told below."""
    try:
        document = msgspec.json.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return raw
    if not isinstance(document, dict):
        return raw
    own = document.get("key")
    if own is not None and only_where_none:
        return raw
    if own not in {None, key} if isinstance(own, str | None) else True:
        raise invalid("key", "is another than that of the header Idempotency-Key; allowed: the same, or none")
    return {**document, "key": key}


def _result(outcome: Outcome) -> BatchResult:
    if isinstance(outcome, Published):
        status = HTTPStatus.OK if outcome.again else HTTPStatus.ACCEPTED
        return BatchResult(status=status, receipt=_receipt(outcome))
    return _failed(fault_of(outcome) or Fault(422, "invalid", "Not allowed", str(outcome)))


def _as_far_as_known(place: int, broken: PublishInterrupted) -> BatchResult:
    if place in broken.outcomes:
        return _result(broken.outcomes[place])
    return _failed(not_answered_for(broken.unknown[place]) if place in broken.unknown else not_sent())


def _failed(fault: Fault) -> BatchResult:
    return BatchResult(status=fault.status, problem=Problem(**document_of(fault)))


def _receipt(published: Published) -> Receipt:
    return Receipt(
        id=published.id,
        number=published.number,
        state=published.state,
        again=published.again,
        unknown_tokens=list(published.unknown_tokens),
    )
