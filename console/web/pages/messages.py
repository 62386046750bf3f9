"""The messages: a list by filter, those that need somebody first, and a page for each."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final, get_args

from starlette.responses import Response

from console.cli.state_words import MEANING_OF_STATE
from console.serving.fault import not_found
from console.web.message_lines import lines_of
from console.web.message_search import Search, search_of
from console.web.message_story import attachments_of, content_of, outcomes_of, timeline_of
from console.web.routes import PageRoutes
from console.web.visit import Visit
from settings_store.access import Privilege
from settings_store.catalog import GROUPS
from tasks.dead_letter import cause_of
from tasks.ledger import DEAD_LETTERS, FINAL_STATES, OPEN_STATES, STATES, MessageFilter, State
from tasks.ledger.records import Priority
from tasks.server_status import SERVER_NAMES

pages = PageRoutes()

ROWS_A_PAGE: Final = 50
_NEEDY_ROWS: Final = 5
#: A page that keeps itself live is not made of thousands of rows unless somebody asks for all.
_RECIPIENTS_SHOWN: Final = 200
_ENTRIES_SHOWN: Final = 100
#: What needs somebody: undelivered for good, or waiting for a server to be set.
_NEEDY: Final[frozenset[State]] = DEAD_LETTERS | {"held"}


@pages.get("/messages", need=Privilege.VIEW_NOTIFICATIONS)
def messages(visit: Visit) -> Response:
    """The list; with an id, the page of that message."""
    asked = visit.query("id").strip().removeprefix("ID=")
    if asked:
        record = visit.backend.queries.find(asked)
        if record is not None:
            return visit.go(f"/messages/{record.number}")
        visit.tell(f"There is no message {asked[:80]}, or it is forgotten after the history's days.", "fault")
        return visit.go("/messages")
    search = search_of(visit.request.query_params)
    values = _list_values(visit, search)
    if visit.asks_for_part:
        return visit.part("messages_list.html", **values)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if search.faults else HTTPStatus.OK
    return visit.page(
        "messages.html",
        status=status,
        states=STATES,
        servers={name: GROUPS[name] for name in SERVER_NAMES},
        priorities=get_args(Priority),
        **values,
    )


@pages.get("/messages/{message_id}", need=Privilege.VIEW_NOTIFICATIONS)
def message(visit: Visit, message_id: str) -> Response:
    """One message, by number or id."""
    record = visit.backend.queries.find(message_id)
    if record is None:
        raise not_found(
            "there is no such message, or it is forgotten after the history's days",
            "the option text.history_days says how long they are kept",
        )
    notification = content_of(record)
    outcomes, timeline = outcomes_of(record), timeline_of(record)
    shows_all = bool(visit.query("all"))
    values: dict[str, Any] = {
        "record": record,
        "notification": notification,
        "attachments": attachments_of(notification) if notification else [],
        "outcomes": outcomes,
        "timeline": timeline,
        "shows_all": shows_all,
        "most_recipients": len(outcomes) if shows_all else _RECIPIENTS_SHOWN,
        "most_entries": len(timeline) if shows_all else _ENTRIES_SHOWN,
        "meaning": MEANING_OF_STATE[record.state],
        "is_final": record.state in FINAL_STATES,
        "can_replay": record.state in DEAD_LETTERS,
        "cause": cause_of(record),
        "can_cancel": record.state in OPEN_STATES,
        "manages": visit.may(Privilege.MANAGE_NOTIFICATIONS),
    }
    if visit.asks_for_part:
        return visit.part("message_story.html", **values)
    return visit.page("message.html", **values)


def _list_values(visit: Visit, search: Search) -> dict[str, Any]:
    queries = visit.backend.queries
    after = visit.query("after") or None
    # Of a filter that cannot be used a part would be left, which matches more than is meant: 0 rows then.
    page = queries.search(search.wanted, limit=0 if search.faults else ROWS_A_PAGE, after=after)
    is_front = search.wanted.is_empty and after is None and not search.faults
    needy = queries.search(MessageFilter(states=_NEEDY), limit=_NEEDY_ROWS) if is_front else None
    return {
        "search": search,
        "page": page,
        "lines": lines_of(queries, page.summaries),
        "needy": needy,
        "needy_lines": lines_of(queries, needy.summaries) if needy else [],
        "needy_query": "&".join(f"state={state}" for state in STATES if state in _NEEDY),
        "after": after,
        "meanings": MEANING_OF_STATE,
        "manages": visit.may(Privilege.MANAGE_NOTIFICATIONS),
        "can_replay": not search.wanted.states or bool(search.wanted.states & DEAD_LETTERS),
        "can_cancel": not search.wanted.states or bool(search.wanted.states & OPEN_STATES),
    }
