"""The console as one ASGI application: pages, API, probes, assets, and what surrounds them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Final

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from console.api import application as api
from console.api.problem import response_of
from console.serving.allowed_methods import allowed_methods
from console.serving.backend import Backend
from console.serving.body_limit import BodyLimit
from console.serving.metrics import Measured, Metrics
from console.serving.probes import probe_routes
from console.serving.security_headers import SecurityHeaders
from console.web.door import FORM_MAXIMUM_BYTES, Door, fault_page, recognise
from console.web.pages import (
    accounts,
    audit,
    corrections,
    encryption,
    messages,
    overview,
    own_password,
    server_test,
    servers,
    settings,
    settings_history,
    settings_transfer,
    sign_in,
)
from console.web.rendering import ASSETS
from console.web.routes import PageRoute
from console.web.visit import Visit
from settings_store.environment import Environment
from settings_store.snapshot import Snapshot
from tasks.metrics import FleetGauges, ProcessTally

_YEAR_SECONDS: Final = 31_536_000

#: The modules of pages; a new one is added here, and is then in the navigation if that knows it.
_PAGES: Final = (
    sign_in.pages,
    own_password.pages,
    overview.pages,
    settings.pages,
    settings_history.pages,
    settings_transfer.pages,
    encryption.pages,
    messages.pages,
    corrections.pages,
    servers.pages,
    server_test.pages,
    audit.pages,
    accounts.pages,
)


def page_routes() -> tuple[PageRoute, ...]:
    """Every page there is."""
    return tuple(route for pages in _PAGES for route in pages.routes)


def create_app(environment: Environment, *, allowed_hosts: Iterable[str] = ()) -> Starlette:
    """The console for the installation that an environment names; it connects with its first request.

    Args:
        environment: Where Redis and the keys are.
        allowed_hosts: Names under which it may be asked for; none for any.
    """
    metrics = Metrics()
    backend = Backend(environment, tally=ProcessTally(metrics.registry))

    def snapshot() -> Snapshot:
        return backend.options.snapshot()

    metrics.registry.register(FleetGauges(backend.redis, snapshot, prefix=backend.prefix))
    declared = page_routes()
    paths = {route.path for route in declared if route.method == "GET"}

    async def on_fault(request: Request, error: Exception) -> Response:
        path = request.scope["path"]
        if path.startswith(f"{api.PATH}/"):
            return response_of(error)
        visit = Visit(request, backend, paths.__contains__)
        response = await run_in_threadpool(_stray, visit, error)
        if response.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            response.headers["Allow"] = allowed_methods(routes, path)
        return response

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await run_in_threadpool(backend.close)

    routes: list[BaseRoute] = [
        Mount("/assets", _Assets(directory=ASSETS), name="assets"),
        Mount(api.PATH, api.create_api(backend), name="api"),
        *probe_routes(backend, metrics),
    ]
    routes += [
        Route(route.path, Door(route, backend, paths.__contains__), methods=[route.method])
        for route in declared
    ]
    surroundings = [Middleware(Measured, metrics=metrics), Middleware(SecurityHeaders)]
    if hosts := list(allowed_hosts):
        surroundings.append(Middleware(TrustedHostMiddleware, allowed_hosts=hosts, www_redirect=False))
    below = {f"{api.PATH}/": api.BODY_MAXIMUM_BYTES}
    surroundings.append(Middleware(BodyLimit, maximum_bytes=FORM_MAXIMUM_BYTES, below=below))
    app = Starlette(
        routes=routes,
        middleware=surroundings,
        exception_handlers={HTTPException: on_fault},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    return app


def _stray(visit: Visit, error: Exception) -> Response:
    """A request that no page answers: the page of the fault, with the navigation of who asked."""
    try:
        recognise(visit)
    except Exception as away:  # noqa: BLE001  # without Redis nobody is known; the page says so
        return fault_page(visit, away)
    return fault_page(visit, error)


class _Assets(StaticFiles):
    """Files of the pages: a name with its digest never changes, so browsers keep it."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """A file."""
        response = await super().get_response(path, scope)
        named_by_content = bool(scope["query_string"])
        response.headers["Cache-Control"] = (
            f"public, max-age={_YEAR_SECONDS}, immutable" if named_by_content else "no-cache"
        )
        return response
