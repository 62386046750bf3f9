"""Whose token it is, and whether it may: what stands before every route of the API."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import Depends
from starlette.requests import Request
from starlette.responses import Response

from console.api.request_rate import RequestRate
from console.serving.backend import Backend
from console.serving.fault import Fault, Refusal
from console.serving.need import Need, Open
from settings_store.access import Principal, Privilege
from settings_store.store import SettingsStore
from tasks.corrections import Actor

_NO_TOKEN: Final = Fault(
    HTTPStatus.UNAUTHORIZED,
    "no-token",
    "Not signed in",
    "there is no token",
    "send the header Authorization: Bearer TOKEN; `notify token create` makes one",
)


@dataclass(frozen=True, slots=True)
class Caller:
    """A program that asks.

    Attributes:
        principal: Whom its token stands for.
        backend: The installation.
        source: From where, as the audit keeps it: `api 10.1.2.3`.
    """

    principal: Principal
    backend: Backend
    source: str

    @property
    def name(self) -> str:
        """As author and actor: `token:reports`."""
        return self.principal.name

    @property
    def actor(self) -> Actor:
        """As who corrects notifications."""
        return Actor(self.name, self.source)

    @property
    def store(self) -> SettingsStore:
        """The options; a change tells the audit from where it came."""
        return self.backend.store(self.source)


@dataclass(frozen=True, slots=True)
class Needs:
    """The dependency by which a route declares what it demands.

    Attributes:
        need: A privilege; or a token, whatever its scope.
        action: What the audit calls it where it is refused.
    """

    need: Need
    action: str

    def __call__(self, request: Request, response: Response) -> Caller:
        """Who asks, where they may."""
        backend: Backend = request.app.state.backend
        source = f"api {request.client.host}" if request.client else "api"
        principal = backend.doorkeeper.by_token(_token(request), source=source)
        limit = backend.options.snapshot().number("console.requests_per_minute")
        allowance = RequestRate(backend.redis, backend.prefix).take(principal.credential, limit)
        response.headers.update(allowance.headers)
        if isinstance(self.need, Privilege):
            path = request.scope["route"].path
            backend.doorkeeper.demand(principal, self.need, self.action, path, source=source)
        return Caller(principal, backend, source)


def _token(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Refusal(_NO_TOKEN)
    return token


#: What routes write as the type of their first parameter.
CallerWithToken = Annotated[Caller, Depends(Needs(Open.SIGNED_IN, "token.look"))]
ViewsNotifications = Annotated[Caller, Depends(Needs(Privilege.VIEW_NOTIFICATIONS, "message.show"))]
SendsNotifications = Annotated[Caller, Depends(Needs(Privilege.MANAGE_NOTIFICATIONS, "message.send"))]
CorrectsNotifications = Annotated[Caller, Depends(Needs(Privilege.MANAGE_NOTIFICATIONS, "message.correct"))]
ViewsOptions = Annotated[Caller, Depends(Needs(Privilege.VIEW_SERVER_OPTIONS, "options.look"))]
ChangesOptions = Annotated[Caller, Depends(Needs(Privilege.MAINTAIN_SERVER_OPTIONS, "options.change"))]
MaintainsServers = Annotated[Caller, Depends(Needs(Privilege.MAINTAIN_SERVER_OPTIONS, "server.change"))]


def needs_of(route: Any) -> list[Need]:
    """What a route declares; for the test that walks them all."""
    return [each.call.need for each in route.dependant.dependencies if isinstance(each.call, Needs)]
