"""The first page: how many notifications are in which state, and which workers live."""

from __future__ import annotations

from starlette.responses import Response

from console.serving.need import Open
from console.web.routes import PageRoutes
from console.web.visit import Visit

pages = PageRoutes()


@pages.get("/", need=Open.SIGNED_IN)
def overview(visit: Visit) -> Response:
    """One look."""
    return visit.page(
        "overview.html",
        counts=visit.backend.queries.counts() if visit.may("view_notifications") else None,
        workers=visit.backend.fleet.members(),
        revision=visit.options.revision,
    )
