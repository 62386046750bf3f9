"""The HTTP API as an application of its own, below `/api/v1`."""

from __future__ import annotations

import functools
from http import HTTPStatus
from importlib import metadata
from typing import Final

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from console.api import corrections, messages, options, sending, servers, token
from console.api.openapi import describe
from console.api.problem import response_of
from console.serving.allowed_methods import allowed_methods
from console.serving.backend import Backend

PATH: Final = "/api/v1"
#: A notification of the greatest size, and what surrounds it in a batch.
BODY_MAXIMUM_BYTES: Final = 16 * 1024 * 1024 + 64 * 1024

#: Each with its whole path below `PATH`.
ROUTERS: Final = (
    sending.router,
    corrections.router,
    messages.router,
    options.router,
    servers.router,
    token.router,
)
_DESCRIPTION: Final = (
    "Send notifications, see what became of them, and look after options and servers. Every request bears a "
    "token: `Authorization: Bearer TOKEN`; `notify token create` makes one. Every fault is a problem "
    "(RFC 9457). Times are RFC 3339 in UTC."
)


def create_api(backend: Backend) -> FastAPI:
    """The API for an installation."""
    api = FastAPI(
        title="Notify",
        version=metadata.version("notify-worker"),
        description=_DESCRIPTION,
        # Those pages load scripts from elsewhere; the document is at openapi.json.
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
        separate_input_output_schemas=False,
    )
    api.state.backend = backend
    for router in ROUTERS:
        api.include_router(router)
    for kind in (HTTPException, RequestValidationError):
        api.add_exception_handler(kind, _on_fault)
    # The framework's own way to extend the document.
    api.openapi = functools.partial(describe, api, PATH)  # type: ignore[method-assign]
    return api


def api_routes() -> list[APIRoute]:
    """Every route with a token."""
    return [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]


async def _on_fault(request: Request, error: Exception) -> Response:
    reply = response_of(error)
    if reply.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        path = str(request.scope["path"]).removeprefix(PATH)
        reply.headers["Allow"] = allowed_methods(api_routes(), path)
    return reply
