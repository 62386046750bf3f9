"""Which methods an address takes, where each is a route of its own."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.routing import BaseRoute, Route


def allowed_methods(routes: Iterable[BaseRoute], path: str) -> str:
    """For the header `Allow` (RFC 9110, 15.5.6).

    An address of its own, `/notifications/batch`, is not taken for one of `/notifications/{message_id}`.

    Args:
        routes: Of one application.
        path: Below where it is mounted.
    """
    met = [route for route in routes if isinstance(route, Route) and route.path_regex.match(path)]
    exact = [route for route in met if route.path == path]
    return ", ".join(sorted({method for route in exact or met for method in route.methods or ()}))
