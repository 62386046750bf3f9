"""The history of the settings: who changed what, when and why, and the way back."""

from __future__ import annotations

from http import HTTPStatus

from starlette.responses import Response

from console.serving.fault import not_found
from console.web.option_fields import change_rows
from console.web.pages.settings import after_saving
from console.web.routes import PageRoutes
from console.web.typed_options import revision_of
from console.web.visit import Visit
from settings_store.access import Privilege
from settings_store.errors import InvalidValue, StaleRevision
from settings_store.store import REASON_MAXIMUM_CHARACTERS
from tasks.pausing import with_pauses_left

pages = PageRoutes()

_SHOWN = 50
_LONGEST = 10_000


@pages.get("/settings/history", need=Privilege.VIEW_SERVER_OPTIONS)
def history(visit: Visit) -> Response:
    """The last revisions, newest first; `?all=1` shows every one that is kept."""
    limit = _LONGEST if visit.query("all") else _SHOWN
    revisions = visit.store.history(limit + 1)
    return visit.page(
        "settings_history.html",
        revisions=[(each, change_rows(each.shown)) for each in revisions[:limit]],
        has_more=len(revisions) > limit,
    )


@pages.get("/settings/history/{revision}", need=Privilege.VIEW_SERVER_OPTIONS)
def one(visit: Visit, revision: str) -> Response:
    """What one revision changed, and what going back to it would change now."""
    return _page(visit, _number(revision))


@pages.post("/settings/history/{revision}", need=Privilege.MAINTAIN_SERVER_OPTIONS, action="options.rollback")
def roll_back(visit: Visit, revision: str) -> Response:
    """Set every option back to what it was at a revision."""
    number, reason = _number(revision), visit.field("reason").strip()
    if not reason:
        return _page(visit, number, fault="Say why: the history keeps it.")
    try:
        change = visit.store.rollback(
            number, author=visit.name, reason=reason, expected_revision=revision_of(visit)
        )
    except StaleRevision:
        fault = "Somebody saved in between: look at it once more."
        return _page(visit, number, reason=reason, fault=fault, status=HTTPStatus.CONFLICT)
    except InvalidValue as error:
        return _page(visit, number, reason=reason, fault=f"It {error.fault}; allowed: {error.allowed}.")
    return after_saving(visit, change)


def _page(
    visit: Visit,
    number: int,
    *,
    reason: str = "",
    fault: str = "",
    status: HTTPStatus = HTTPStatus.UNPROCESSABLE_ENTITY,
) -> Response:
    store = visit.store
    back = store.rollback(number, author=visit.name, dry_run=True)
    back = with_pauses_left(back, store, visit.backend.breaker)
    newest = back.revision
    rows = [row for row in store.history(newest - number + 1) if row.revision == number]
    return visit.page(
        "settings_revision.html",
        status=status if fault else HTTPStatus.OK,
        number=number,
        newest=newest,
        row=rows[0] if rows else None,
        changes=change_rows(rows[0].shown) if rows else [],
        back=change_rows(back.changes),
        warnings=back.warnings,
        maintains=visit.may(Privilege.MAINTAIN_SERVER_OPTIONS),
        reason=reason,
        fault=fault,
        reason_maximum=REASON_MAXIMUM_CHARACTERS,
    )


def _number(text: str) -> int:
    if text.isascii() and text.isdecimal() and len(text) <= len(str(10**12)):
        return int(text)
    raise not_found("there is no such revision", "the history lists those that there are")
