"""`POST /notifications/replay` and `/cancel`: many at once, by id or by filter, looked at first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Annotated, Final

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from console.api.caller import Caller, CorrectsNotifications
from console.api.json_body import JsonBody
from console.api.message_forms import Corrections
from console.api.message_query import FilterForm
from console.api.openapi import faults, takes
from console.api.problem import ProblemRoute
from console.presenting.correction_json import correction_json
from console.serving.fault import invalid
from tasks.corrections import Choice, Chosen, Corrected
from tasks.ledger import DEAD_LETTERS, OPEN_STATES, MessageFilter, State

router = APIRouter(route_class=ProblemRoute, prefix="/notifications", tags=["notifications"])

#: Whoever asks waits for the reply; what is left is for the next request.
MOST: Final = 5_000
IDS_MAXIMUM: Final = 500
_RATE_MAXIMUM: Final = 100_000


class _Order(BaseModel):
    """Whom it is about: ids, or a filter."""

    model_config = ConfigDict(extra="forbid", strict=True)

    ids: list[Annotated[str, Field(min_length=1, max_length=64)]] = Field(
        default=[], max_length=IDS_MAXIMUM, description="Ids or numbers; instead of a filter."
    )
    filter: FilterForm | None = Field(default=None, description="All that match, the newest first.")
    reason: str = Field(
        default="", max_length=500, description="Why; for timelines and audit. A dry run needs none."
    )
    limit: int = Field(default=MOST, ge=1, le=MOST, description="Of a filter, no more than these.")
    dry_run: bool = Field(default=False, description="Only say what would become of each.")

    @property
    def why(self) -> str:
        """The reason; raises a refusal where it is missing."""
        why = self.reason.strip()
        if not why and not self.dry_run:
            raise invalid("reason", "is missing; allowed: 1 to 500 characters, not blank")
        return why


class ReplayOrders(_Order):
    """How dead letters are sent again."""

    even_expired: bool = Field(default=False, description="Also what is expired, and may be stale.")
    even_uncertain: bool = Field(default=False, description="Also what may arrive twice.")
    per_minute: int | None = Field(
        default=None, ge=1, le=_RATE_MAXIMUM, description="So many a minute; they wait in the ledger."
    )


class CancelOrders(_Order):
    """How notifications are stopped."""


@router.post("/replay", responses=faults(413, 415, 422), openapi_extra=takes(ReplayOrders))
def replay_notifications(
    caller: CorrectsNotifications, order: Annotated[ReplayOrders, Depends(JsonBody(ReplayOrders))]
) -> Corrections:
    """Send many dead letters again, to those alone who do not have them; each by itself."""
    why = order.why
    meant = _meant(caller, order, DEAD_LETTERS)
    done = caller.backend.corrections.replay(
        meant.choice.chosen,
        actor=caller.actor,
        why=why,
        even_expired=order.even_expired,
        even_uncertain=order.even_uncertain,
        per_minute=order.per_minute,
        dry_run=order.dry_run,
    )
    return _told(done, meant, dry_run=order.dry_run)


@router.post("/cancel", responses=faults(413, 415, 422), openapi_extra=takes(CancelOrders))
def cancel_notifications(
    caller: CorrectsNotifications, order: Annotated[CancelOrders, Depends(JsonBody(CancelOrders))]
) -> Corrections:
    """Stop many that are not sent yet; each by itself. What a server has taken cannot be called back."""
    why = order.why
    meant = _meant(caller, order, OPEN_STATES)
    done = caller.backend.corrections.cancel(
        meant.choice.chosen, actor=caller.actor, why=why, dry_run=order.dry_run
    )
    return _told(done, meant, dry_run=order.dry_run)


@dataclass(frozen=True, slots=True)
class _Meant:
    """Those that there are, and ids that nobody knows."""

    choice: Choice
    unknown: tuple[str, ...] = ()


def _meant(caller: Caller, order: _Order, states: frozenset[State]) -> _Meant:
    if order.ids and order.filter is not None:
        raise invalid("filter", "stands beside ids; allowed: one of both")
    if order.ids:
        return _named(caller, order.ids)
    wanted = order.filter.wanted if order.filter else MessageFilter()
    if wanted.is_empty:
        raise invalid("filter", "names nothing; allowed: ids, or a filter with at least one of its fields")
    if foreign := sorted(wanted.states - states):
        raise invalid(
            "filter.state",
            f"{', '.join(foreign)}: does not go with this; allowed: {', '.join(sorted(states))}",
        )
    wanted = replace(wanted, states=wanted.states or states)
    return _Meant(caller.backend.corrections.choose(wanted, most=order.limit))


def _named(caller: Caller, ids: list[str]) -> _Meant:
    """Those that ids and numbers name; twice the same is meant once."""
    named: dict[str, Chosen] = {}
    unknown: dict[str, None] = {}
    for asked in ids:
        record = caller.backend.queries.find(asked.strip().removeprefix("ID="))
        if record is None:
            unknown[asked] = None
        else:
            named[record.id] = Chosen.of(record)
    return _Meant(Choice(tuple(named.values()), is_whole=True), tuple(unknown))


def _told(done: Iterable[Corrected], meant: _Meant, *, dry_run: bool) -> Corrections:
    told = correction_json(done, dry_run=dry_run, is_whole=meant.choice.is_whole)
    told["messages"] += [
        {"id": asked, "number": None, "state": None, "outcome": "unknown"} for asked in meant.unknown
    ]
    if meant.unknown:
        told["outcomes"]["unknown"] = told["outcomes"].get("unknown", 0) + len(meant.unknown)
    return Corrections.model_validate(told)
