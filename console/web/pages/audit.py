"""The audit: who did what, when and from where."""

from __future__ import annotations

import itertools
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode

from starlette.responses import Response

from console.cli.errors import BadInput
from console.cli.moment import moment
from console.web.option_fields import change_rows
from console.web.routes import PageRoutes
from console.web.visit import Visit
from settings_store.access import Privilege
from settings_store.audit_row import OUTCOMES, Row, Wanted

pages = PageRoutes()

ROWS_A_PAGE: Final = 100
_TEXTS: Final = ("actor", "action", "target")
_SECOND_MS: Final = 1000


@pages.get("/audit", need=Privilege.ADMINISTER, action="audit.list")
def audit(visit: Visit) -> Response:
    """The rows that a filter asks for, newest first."""
    given = {name: visit.query(name).strip()[:300] for name in (*_TEXTS, "outcome", "since", "until")}
    faults: dict[str, str] = {}
    wanted = Wanted(
        actor=given["actor"],
        action=given["action"],
        target=given["target"],
        outcome=given["outcome"] if given["outcome"] in OUTCOMES else "",
        since=_time(given, "since", faults),
        until=_time(given, "until", faults),
    )
    rows = list(itertools.islice(visit.backend.audit.rows(wanted), ROWS_A_PAGE + 1))
    older = ""
    if len(rows) > ROWS_A_PAGE:
        older = urlencode({**given, "until": rows[ROWS_A_PAGE].at.isoformat(timespec="milliseconds")})
    return visit.page(
        "audit.html",
        status=HTTPStatus.UNPROCESSABLE_ENTITY if faults else HTTPStatus.OK,
        given=given,
        faults=faults,
        outcomes=OUTCOMES,
        rows=[(row, row.at.timestamp() * _SECOND_MS, *_detail(row)) for row in rows[:ROWS_A_PAGE]],
        older=older,
    )


def _time(given: dict[str, str], name: str, faults: dict[str, str]) -> datetime | None:
    if not given[name]:
        return None
    try:
        return moment(given[name], name, "ago")
    except BadInput as error:
        faults[name] = str(error).partition(": ")[2]
        return None


def _detail(row: Row) -> tuple[list[dict[str, Any]], list[tuple[str, str]]]:
    """The changes of options, and what else there is to tell."""
    changes = row.detail.get("changes")
    pairs = {
        key: (pair[0], pair[1])
        for key, pair in (changes.items() if isinstance(changes, dict) else ())
        if isinstance(pair, list) and len(pair) == len(("before", "after"))
    }
    rest = [
        (name, ", ".join(map(str, value)) if isinstance(value, list) else str(value))
        for name, value in row.detail.items()
        if name != "changes" and value not in ("", None, [], {})
    ]
    return change_rows(pairs), rest
