"""The servers: a card for each, and a pause and its end."""

from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final

from starlette.responses import Response

from console.cli.errors import BadInput
from console.cli.moment import moment
from console.serving.fault import invalid, not_found
from console.web.routes import PageRoutes
from console.web.server_cards import TRAFFIC_HOURS, cards_of, traffic_of
from console.web.visit import Visit
from settings_store.access import Privilege
from settings_store.catalog import GROUPS
from tasks.breaker import REASON_MAXIMUM_CHARACTERS, InvalidPause
from tasks.server import ServerName
from tasks.server_status import SERVER_NAMES, server_statuses

pages = PageRoutes()

_LENGTHS: Final = {"15m": "15 minutes", "1h": "1 hour", "4h": "4 hours", "1d": "1 day", "": "until resumed"}


@pages.get("/servers", need=Privilege.VIEW_SERVER_OPTIONS)
def servers(visit: Visit) -> Response:
    """How the servers do."""
    if visit.asks_for_part:
        return visit.part("servers_list.html", **_values(visit))
    return _page(visit)


@pages.post("/servers/{name}/pause", need=Privilege.MAINTAIN_SERVER_OPTIONS, action="server.pause")
def pause(visit: Visit, name: str) -> Response:
    """Keep all workers from a server, for a reason, for so long or until it is resumed."""
    server, reason = server_name(name), visit.field("reason").strip()
    try:
        seconds = _seconds(visit.field("length").strip())
        if not reason or len(reason) > REASON_MAXIMUM_CHARACTERS:
            fault = f"Say why, in at most {REASON_MAXIMUM_CHARACTERS} characters: everybody sees it."
            return _page(visit, faults={name: fault})
        paused = visit.backend.pausing.pause(
            server, by=visit.name, reason=reason, seconds=seconds, source=visit.source
        )
    except InvalidPause as error:
        return _page(visit, faults={name: f"{error}."})
    visit.tell(f"{GROUPS[name]} is paused.{_also(paused.also)}")
    return visit.go("/servers")


@pages.post("/servers/{name}/resume", need=Privilege.MAINTAIN_SERVER_OPTIONS, action="server.resume")
def resume(visit: Visit, name: str) -> Response:
    """End a pause; a server that is passed over is tested at once."""
    resumed = visit.backend.pausing.resume(server_name(name), by=visit.name, source=visit.source)
    words = "is no longer paused" if resumed.before == "paused" else "is tested at once"
    visit.tell(f"{GROUPS[name]} {words}.{_also(resumed.also)}")
    return visit.go("/servers")


def server_name(text: str) -> ServerName:
    """The server of a path.

    Raises:
        Refusal: There is none of that name.
    """
    if text not in SERVER_NAMES:
        raise not_found(f"there is no such server; there are {', '.join(SERVER_NAMES)}")
    return text


def _page(visit: Visit, *, faults: dict[str, str] | None = None) -> Response:
    status = HTTPStatus.UNPROCESSABLE_ENTITY if faults else HTTPStatus.OK
    return visit.page(
        "servers.html",
        status=status,
        faults=faults or {},
        lengths=_LENGTHS,
        reason_maximum=REASON_MAXIMUM_CHARACTERS,
        **_values(visit),
    )


def _values(visit: Visit) -> dict[str, Any]:
    at = visit.backend
    options = visit.options
    usages = at.usages.of_servers(options)
    statuses = server_statuses(options, at.breaker.servers(), at.server_tests.last(), usages)
    named = [status.name for status in statuses if status.server]
    may_count = bool(named) and visit.may(Privilege.VIEW_NOTIFICATIONS)
    traffic = traffic_of(at.queries, named, now_ms=visit.now_ms) if may_count else {}
    return {
        "cards": cards_of(statuses, traffic),
        "traffic_hours": TRAFFIC_HOURS,
        "maintains": visit.may(Privilege.MAINTAIN_SERVER_OPTIONS),
        "any_set": bool(named),
    }


def _seconds(length: str) -> float | None:
    if not length:
        return None
    now = datetime.now(UTC)
    try:
        seconds = (moment(length, "length", "from now", now=now) - now).total_seconds()
    except BadInput as error:
        raise invalid("length", str(error).partition(": ")[2]) from None
    if seconds <= 0:
        raise invalid("length", "is not in the future; allowed: such as 30m or 2h, or blank")
    return seconds


def _also(names: tuple[str, ...]) -> str:
    if not names:
        return ""
    return f" So is {' and '.join(GROUPS[each] for each in names)}: same server, same sign-in."
