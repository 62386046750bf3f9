"""`/notifications`: what became of them, and what a person can still do about one."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from console.api.caller import CorrectsNotifications, ViewsNotifications
from console.api.json_body import JsonBody
from console.api.message_forms import Correction, Lines, Message
from console.api.message_query import MessageQuery
from console.api.openapi import faults, takes
from console.api.problem import ProblemRoute
from console.presenting import message_json
from console.serving.fault import Fault, Refusal, invalid, not_found
from tasks.corrections import DONE, Chosen, Corrected, CorrectionAnswer
from tasks.ledger import LedgerQueries
from tasks.ledger.queries import Record

router = APIRouter(route_class=ProblemRoute, prefix="/notifications", tags=["notifications"])


@router.get("", response_model=Lines, responses=faults(422))
def list_notifications(caller: ViewsNotifications, asked: Annotated[MessageQuery, Query()]) -> Any:
    """A part of the list, newest first; no recipients and no texts."""
    return message_json.listed(
        caller.backend.queries.search(asked.wanted, limit=asked.limit, after=asked.after)
    )


class _ShowQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    content: bool = Field(default=False, description="Also the document as it was accepted.")


@router.get(
    "/{message_id}", response_model=Message, response_model_exclude_unset=True, responses=faults(404, 422)
)
def get_notification(
    caller: ViewsNotifications, message_id: str, asked: Annotated[_ShowQuery, Query()]
) -> Any:
    """One notification by id or number: its recipients, and every attempt with what the server said."""
    record = _found(caller.backend.queries, message_id)
    document = message_json.show(record)
    if asked.content:
        document["notification"] = msgspec.json.decode(record.content)
    return document


class ReplayOrder(BaseModel):
    """How a dead letter is sent again."""

    model_config = ConfigDict(extra="forbid", strict=True)

    reason: str = Field(min_length=1, max_length=500, pattern=r"\S", description="Why; for its timeline.")
    even_expired: bool = Field(default=False, description="Also where it is expired, and may be stale.")
    even_uncertain: bool = Field(default=False, description="Also where it may arrive twice.")
    dry_run: bool = Field(default=False, description="Only say what would become of it.")


class CancelOrder(BaseModel):
    """How a notification is stopped."""

    model_config = ConfigDict(extra="forbid", strict=True)

    reason: str = Field(default="", max_length=500)
    dry_run: bool = Field(default=False, description="Only say what would become of it.")


@router.post(
    "/{message_id}/replay", responses=faults(404, 409, 413, 415, 422), openapi_extra=takes(ReplayOrder)
)
def replay_notification(
    caller: CorrectsNotifications,
    message_id: str,
    order: Annotated[ReplayOrder, Depends(JsonBody(ReplayOrder))],
) -> Correction:
    """Send a dead letter again, to those alone who do not have it: same number, same Message-ID."""
    why = order.reason.strip()
    if not why:
        raise invalid("reason", "is blank; allowed: 1 to 500 characters")
    chosen = Chosen.of(_found(caller.backend.queries, message_id))
    (one,) = caller.backend.corrections.replay(
        [chosen],
        actor=caller.actor,
        why=why,
        even_expired=order.even_expired,
        even_uncertain=order.even_uncertain,
        dry_run=order.dry_run,
    )
    return _correction(one, dry_run=order.dry_run)


@router.post(
    "/{message_id}/cancel", responses=faults(404, 409, 413, 415, 422), openapi_extra=takes(CancelOrder)
)
def cancel_notification(
    caller: CorrectsNotifications,
    message_id: str,
    order: Annotated[CancelOrder, Depends(JsonBody(CancelOrder))],
) -> Correction:
    """Stop a notification that is not sent yet. What a server has taken cannot be called back."""
    chosen = Chosen.of(_found(caller.backend.queries, message_id))
    (one,) = caller.backend.corrections.cancel(
        [chosen], actor=caller.actor, why=order.reason.strip(), dry_run=order.dry_run
    )
    return _correction(one, dry_run=order.dry_run)


_WHY_NOT: Final[dict[CorrectionAnswer, str]] = {
    "refused": "it is no dead letter, so there is nothing to replay",
    "final": "it is final, so there is nothing to cancel",
    "expired": "it is expired and may be stale; even_expired replays it all the same",
    "uncertain": "it may have arrived; even_uncertain replays it all the same",
}


def _correction(one: Corrected, *, dry_run: bool) -> Correction:
    if one.answer == "unknown":
        raise _unknown(one.chosen.id)
    # Cancelled before is as asked: a repeat is harmless.
    done = one.answer in DONE or one.state == "cancelled"
    if not done and not dry_run:
        detail = f"ID={one.chosen.number} is {one.state}: {_WHY_NOT[one.answer]}"
        raise Refusal(Fault(409, one.answer, "Not possible as it is", detail))
    return Correction(
        id=one.chosen.id, number=one.chosen.number, answer=one.answer, state=one.state, dry_run=dry_run
    )


def _found(queries: LedgerQueries, asked: str) -> Record:
    record = queries.find(asked.strip().removeprefix("ID="))
    if record is None:
        raise _unknown(asked)
    return record


def _unknown(asked: str) -> Refusal:
    return not_found(f"{asked}: there is no such notification, or it is forgotten after the history's days")
