"""`/options`: what holds, what held, and changing it; a whole revision at a time."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Header, Query
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue
from starlette.convertors import Convertor, register_url_convertor
from starlette.responses import Response

from console.api.caller import ChangesOptions, ViewsOptions
from console.api.json_body import JsonBody
from console.api.openapi import faults, takes
from console.api.problem import ProblemRoute
from console.presenting import options_json
from console.serving.fault import Fault, Refusal, fault_of, invalid, not_found
from settings_store.catalog import ALL_OPTIONS, EVERYTHING, GROUPS, selected
from settings_store.cautions import cautions
from settings_store.comparison import compare
from settings_store.errors import StaleRevision
from tasks.pausing import with_pauses_left


class _OptionName(Convertor[str]):
    """Tells options from `/options/history` and its like: their names have a dot."""

    regex = r"[^/.]+\.[^/]+"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("option", _OptionName())

router = APIRouter(route_class=ProblemRoute, prefix="/options", tags=["options"])

_OPEN: Final = ConfigDict(extra="allow")
_CLOSED: Final = ConfigDict(extra="forbid", strict=True)
_REASON: Final = Field(default="", max_length=2000, description="Why; shown in the history.")


class Option(BaseModel):
    """One option. Of a secret, `value` is a mask of fixed length, or blank."""

    model_config = _OPEN

    key: str
    label: str
    value: str | int | bool
    default: str | int | bool
    changed: bool
    changed_by: str | None
    changed_at: str | None
    source: str = Field(description="The option whose value holds: another one where a mirror is on.")
    secret: bool
    allowed: str
    help: str


class Options(BaseModel):
    """Options with the revision at which they hold."""

    model_config = _OPEN

    revision: int
    options: list[Option]
    warnings: list[str] = Field(description="What is allowed option by option and yet wrong together.")


class OneOption(BaseModel):
    """One option with the revision at which it holds."""

    revision: int
    option: Option


class Pair(BaseModel):
    """A value before and after."""

    before: str | int | bool
    after: str | int | bool


class Change(BaseModel):
    """What a change did, or would do."""

    revision: int
    saved: bool
    changes: dict[str, Pair]
    warnings: list[str]


class Revision(BaseModel):
    """One saved change."""

    model_config = _OPEN

    revision: int
    at: str
    author: str
    reason: str
    changes: dict[str, Pair]


class History(BaseModel):
    """Revisions, newest first."""

    revisions: list[Revision]


class OptionsQuery(BaseModel):
    """Which options."""

    model_config = ConfigDict(extra="forbid")

    group: str | None = Field(
        default=None, description="One group alone.", json_schema_extra={"enum": [*GROUPS, None]}
    )
    changed: bool = Field(default=False, description="Only what differs from its default.")


class HistoryQuery(BaseModel):
    """How much of the history."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(default=20, ge=1, le=1000)


class NewValues(BaseModel):
    """Options to set, all of them or none."""

    model_config = _CLOSED

    values: dict[str, JsonValue] = Field(
        min_length=1,
        max_length=500,
        description="By option; null is its default. Secrets as `notify encrypt` seals them, client secrets "
        "also plain; blank clears one.",
    )
    reason: str = _REASON
    dry_run: bool = Field(default=False, description="Check everything and save nothing.")


def _whole(given: Any) -> Any:
    """JSON knows one kind of number: 17.0 is 17."""
    return int(given) if isinstance(given, float) and given.is_integer() else given


class Rollback(BaseModel):
    """Which revision to bring back."""

    model_config = _CLOSED

    revision: Annotated[int, BeforeValidator(_whole)] = Field(ge=0, le=2**53)
    reason: str = _REASON
    dry_run: bool = Field(default=False, description="Check everything and save nothing.")


IfMatch = Annotated[
    str | None,
    Header(
        pattern=r'^(\*|"[0-9]{1,15}")$',
        description='The ETag that the change was made from, `"17"`; `*` lays it over whatever holds.',
    ),
]
IfNoneMatch = Annotated[str | None, Header(description="The ETag that is known: 304 where it still holds.")]
_NOT_MODIFIED: Final[dict[int | str, dict[str, Any]]] = {304: {"description": "As it was"}}


@router.get("", response_model=Options, responses={**_NOT_MODIFIED, **faults(422)})
def list_options(
    caller: ViewsOptions,
    response: Response,
    asked: Annotated[OptionsQuery, Query()],
    if_none_match: IfNoneMatch = None,
) -> Any:
    """Every option, or those of a group: what holds, who set it when, and what is wrong together."""
    store = caller.store
    snapshot = store.snapshot()
    if asked.group and asked.group not in GROUPS:
        raise invalid("group", f"is no group; allowed: {', '.join(GROUPS)}")
    response.headers["ETag"] = etag(snapshot.revision)
    if if_none_match == etag(snapshot.revision):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=dict(response.headers))
    keys = [
        key for key in selected(asked.group or EVERYTHING) if not asked.changed or key in snapshot.changed
    ]
    listed = options_json.listed(keys, snapshot, store.changed())
    return {**listed, "warnings": list(cautions(snapshot))}


@router.get("/history", response_model=History, responses=faults(422))
def list_revisions(caller: ViewsOptions, asked: Annotated[HistoryQuery, Query()]) -> Any:
    """Who changed what, when and why, newest first; secrets masked."""
    return options_json.history(caller.store.history(asked.limit))


class DiffQuery(BaseModel):
    """Which two revisions."""

    model_config = ConfigDict(extra="forbid")

    older: int = Field(ge=0, le=2**53)
    newer: int | None = Field(default=None, ge=0, le=2**53, description="What holds now unless given.")


@router.get("/diff", responses=faults(404, 422))
def compare_revisions(caller: ViewsOptions, asked: Annotated[DiffQuery, Query()]) -> dict[str, Any]:
    """What differs between the options at two revisions."""
    store = caller.store
    newer = store.snapshot() if asked.newer is None else store.at(asked.newer)
    return options_json.compared(compare(store.at(asked.older), newer))


@router.get("/{key:option}", response_model=OneOption, responses=faults(404, 422))
def get_option(caller: ViewsOptions, key: str, response: Response) -> Any:
    """One option."""
    if key not in ALL_OPTIONS:
        raise not_found(f"{key}: there is no such option", "GET /options lists them")
    store = caller.store
    snapshot = store.snapshot()
    response.headers["ETag"] = etag(snapshot.revision)
    listed = options_json.listed([key], snapshot, store.changed())
    return {"revision": listed["revision"], "option": listed["options"][0]}


@router.patch(
    "", response_model=Change, responses=faults(409, 412, 413, 415, 422, 428), openapi_extra=takes(NewValues)
)
def change_options(
    caller: ChangesOptions,
    response: Response,
    wanted: Annotated[NewValues, Depends(JsonBody(NewValues))],
    if_match: IfMatch = None,
) -> Any:
    """Set options as one revision: it holds for the next server that any worker tries."""
    values = {
        key: ALL_OPTIONS[key].default if value is None and key in ALL_OPTIONS else value
        for key, value in wanted.values.items()
    }
    try:
        made = caller.store.change(
            values,
            author=caller.name,
            reason=wanted.reason,
            expected_revision=_expected(if_match),
            dry_run=wanted.dry_run,
        )
    except StaleRevision as stale:
        raise _precondition_failed(stale) from None
    response.headers["ETag"] = etag(made.revision)
    return options_json.change(with_pauses_left(made, caller.store, caller.backend.breaker))


@router.post(
    "/rollback",
    response_model=Change,
    responses=faults(404, 409, 412, 413, 415, 422, 428),
    openapi_extra=takes(Rollback),
)
def roll_options_back(
    caller: ChangesOptions,
    response: Response,
    wanted: Annotated[Rollback, Depends(JsonBody(Rollback))],
    if_match: IfMatch = None,
) -> Any:
    """Bring the options of a revision back, secrets too, as a new revision."""
    try:
        made = caller.store.rollback(
            wanted.revision,
            author=caller.name,
            reason=wanted.reason,
            expected_revision=_expected(if_match),
            dry_run=wanted.dry_run,
        )
    except StaleRevision as stale:
        raise _precondition_failed(stale) from None
    response.headers["ETag"] = etag(made.revision)
    return options_json.change(with_pauses_left(made, caller.store, caller.backend.breaker))


def etag(revision: int) -> str:
    """The ETag of the options at a revision."""
    return f'"{revision}"'


def _expected(if_match: str | None) -> int | None:
    """The revision that the header names; None for any."""
    if if_match is None:
        raise Refusal(
            Fault(
                HTTPStatus.PRECONDITION_REQUIRED,
                "if-match-missing",
                "If-Match is missing",
                "a change says which revision it was made from",
                'send the ETag of GET /options: If-Match: "17", or If-Match: *',
            )
        )
    return None if if_match == "*" else int(if_match.strip('"'))


def _precondition_failed(stale: StaleRevision) -> Refusal:
    fault = fault_of(stale)
    assert fault is not None  # noqa: S101  # for the type alone
    return Refusal(Fault(HTTPStatus.PRECONDITION_FAILED, fault.kind, fault.title, fault.detail, fault.advice))
