"""`/servers` and `/server-tests`: how the servers do, a test by a worker, a pause and its end."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field, JsonValue
from starlette.responses import Response

from console.api.caller import Caller, MaintainsServers, ViewsOptions
from console.api.json_body import JsonBody
from console.api.openapi import faults, leads_to, takes
from console.api.problem import ProblemRoute
from console.presenting import server_json
from console.serving.fault import not_found
from tasks.breaker import REASON_MAXIMUM_CHARACTERS, BreakerState
from tasks.server import Channel, ServerName
from tasks.server_status import SERVER_NAMES, server_statuses, standings
from tasks.server_test import CHAIN, Draft

router = APIRouter(route_class=ProblemRoute, tags=["servers"])

_OPEN: Final = ConfigDict(extra="allow")
_CLOSED: Final = ConfigDict(extra="forbid", strict=True)
_LONGEST_PAUSE_SECONDS: Final = 366 * 86_400


class Servers(BaseModel):
    """The four servers, and how each channel stands."""

    model_config = _OPEN

    revision: int
    channels: dict[str, dict[str, Any]]
    servers: list[dict[str, Any]]


class Pause(BaseModel):
    """Why everybody keeps from a server, and for how long."""

    model_config = _CLOSED

    reason: str = Field(
        min_length=1, max_length=REASON_MAXIMUM_CHARACTERS, pattern=r"\S", description="Shown to everybody."
    )
    seconds: float | None = Field(
        default=None, gt=0, le=_LONGEST_PAUSE_SECONDS, description="null: until it is resumed."
    )


class Paused(BaseModel):
    """What a pause or its end did."""

    server: ServerName
    before: BreakerState
    also: list[ServerName] = Field(description="The same server under other names: paused and resumed too.")


class TestOrder(BaseModel):
    """What a worker is to test."""

    model_config = ConfigDict(extra="forbid")

    target: str = Field(json_schema_extra={"enum": [*SERVER_NAMES, CHAIN]})
    channel: Channel = Field(default="email", description="Whose chain, where the target is `chain`.")
    to: str = Field(default="", max_length=500, description="Ask whether mail to this address is taken.")
    send: bool = Field(default=False, strict=True, description="Send that address a real message.")
    overrides: dict[str, JsonValue] = Field(
        default={}, max_length=500, description="Options to try without saving them."
    )


class Test(BaseModel):
    """A test, as far as it has come."""

    model_config = _OPEN

    id: str
    state: str
    ok: bool | None
    target: str
    by: str
    worker: str | None
    servers: list[dict[str, Any]]


@router.get("/servers", response_model=Servers, responses=faults())
def list_servers(caller: ViewsOptions) -> Any:
    """What is set, whether it is used, and how its last test went."""
    backend = caller.backend
    snapshot = backend.options.snapshot()
    states = backend.breaker.servers()
    return server_json.listed(
        server_statuses(snapshot, states, backend.server_tests.last(), backend.usages.of_servers(snapshot)),
        standings(snapshot, states),
        snapshot.revision,
    )


@router.post("/servers/{name}/pause", responses=faults(404, 409, 413, 415, 422), openapi_extra=takes(Pause))
def pause_server(
    caller: MaintainsServers, name: ServerName, wanted: Annotated[Pause, Depends(JsonBody(Pause))]
) -> Paused:
    """Keep all workers from a server: mail takes the next one, or waits."""
    done = caller.backend.pausing.pause(
        name, by=caller.name, reason=wanted.reason.strip(), seconds=wanted.seconds, source=caller.source
    )
    return Paused(server=name, before=done.before, also=list(done.also))


@router.post("/servers/{name}/resume", responses=faults(404, 409, 422))
def resume_server(caller: MaintainsServers, name: ServerName) -> Paused:
    """End a pause. A server that is passed over, paused or not, is tried at once."""
    done = caller.backend.pausing.resume(name, by=caller.name, source=caller.source)
    return Paused(server=name, before=done.before, also=list(done.also))


@router.post(
    "/server-tests",
    status_code=HTTPStatus.ACCEPTED,
    response_model=Test,
    responses={202: leads_to("get_server_test", parameter="test_id"), **faults(409, 413, 415, 422)},
    openapi_extra=takes(TestOrder),
)
def start_server_test(
    caller: MaintainsServers,
    response: Response,
    order: Annotated[TestOrder, Depends(JsonBody(TestOrder))],
) -> Any:
    """Have a worker try a server step by step, or each of a chain; look at it where Location says."""
    test_id = caller.backend.server_tests.start(
        Draft(
            target=order.target,  # type: ignore[arg-type]  # looked at there
            by=caller.name,
            source=caller.source,
            channel=order.channel,
            overrides=order.overrides,
            to=order.to,
            send=order.send,
        )
    )
    response.headers["Location"] = f"/api/v1/server-tests/{test_id}"
    return _test(caller, test_id)


@router.get("/server-tests/{test_id}", response_model=Test, responses=faults(404, 422))
def get_server_test(caller: MaintainsServers, test_id: str) -> Any:
    """How a test goes: each stage with its time, what the server said, and what to do about it.

    A server's words may quote an address, so it is for who may test.
    """
    return _test(caller, test_id)


def _test(caller: Caller, test_id: str) -> dict[str, Any]:
    report = caller.backend.server_tests.read(test_id)
    if report is None:
        raise not_found(f"{test_id}: there is no such test, or it is forgotten")
    return server_json.test(report)
