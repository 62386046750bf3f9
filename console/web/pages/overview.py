"""The first page: what needs somebody, how notifications flow, and which workers live."""

from __future__ import annotations

from typing import Any, Final

from starlette.responses import Response

from console.serving.need import Open
from console.web.routes import PageRoutes
from console.web.traffic_chart import HEIGHT, WIDTH, bars, last_hours
from console.web.visit import Visit
from settings_store.access import Privilege
from tasks.ledger import DEAD_LETTERS, STATES, MessageFilter

pages = PageRoutes()

_HOUR_MS: Final = 3_600_000
#: Whatever waits longer than this for a worker is marked; the alert of the same is deploy/prometheus.
_LONG_MS: Final = 300_000
#: What a person looks for first.
_FIGURES: Final = ("waiting", "held", "failed", "partial", "uncertain", "expired")


@pages.get("/", need=Open.SIGNED_IN)
def overview(visit: Visit) -> Response:
    """One look."""
    values = _values(visit)
    if visit.asks_for_part:
        return visit.part("overview_parts.html", **values)
    return visit.page("overview.html", **values)


@pages.get("/standing", need=Open.SIGNED_IN)
def standing(visit: Visit) -> Response:
    """The banner of every page, for the script that keeps it live."""
    return visit.part("standing.html")


def _values(visit: Visit) -> dict[str, Any]:
    snapshot = visit.options
    flower = snapshot.text("console.flower_url").strip() or visit.backend.environment.flower_url
    return {
        "flow": _flow(visit) if visit.may(Privilege.VIEW_NOTIFICATIONS) else None,
        "workers": visit.backend.fleet.members(),
        "revision": snapshot.revision,
        "any_set": snapshot.is_set("primary_email.server_name") or snapshot.is_set("primary_sms.server_name"),
        # Whatever was typed or exported: only an address of the web becomes a link.
        "flower": flower if flower.startswith(("http://", "https://")) else "",
    }


def _flow(visit: Visit) -> dict[str, Any]:
    queries, now_ms = visit.backend.queries, visit.now_ms
    counts = queries.counts()
    # Not by the due-set: of what is queued that knows when to ring again, and so is never late.
    queued_since_ms = min(queries.queued_since().values(), default=None)
    last_hour = queries.search(MessageFilter(since_ms=now_ms - _HOUR_MS), limit=1)
    hours = last_hours(queries, now_ms=now_ms)
    return {
        "counts": counts,
        "figures": [(state, counts[state]) for state in _FIGURES],
        "rest": [(state, counts[state]) for state in STATES if state not in {*_FIGURES, "queued"}],
        "queued_since_ms": queued_since_ms,
        "queued_long": queued_since_ms is not None and now_ms - queued_since_ms > _LONG_MS,
        "dead_letters": DEAD_LETTERS,
        "total": sum(counts.values()),
        "last_hour": last_hour.total,
        "bars": bars(hours),
        "hours": hours,
        "width": WIDTH,
        "height": HEIGHT,
    }
