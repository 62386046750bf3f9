"""Which methods an address takes, where each is a route of its own."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.routing import BaseRoute, Route


def allowed_methods(routes: Iterable[BaseRoute], path: str) -> str:
    """For the header `Allow` (RFC 9110, 15.5.6).

    Args:
        routes: Of one application.
        path: Below where it is mounted.
    """
    found: set[str] = set()
    for route in routes:
        if isinstance(route, Route) and route.path_regex.match(path):
            found |= set(route.methods or ())
    return ", ".join(sorted(found))
