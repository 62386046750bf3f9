"""Replay and cancel: one message, those that were ticked, or all that a filter matches; looked at first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, Final, Literal

from starlette.datastructures import ImmutableMultiDict
from starlette.responses import Response

from console.serving.fault import invalid
from console.web.message_search import Search, search_of
from console.web.routes import PageRoutes
from console.web.visit import Visit
from settings_store.access import Privilege
from tasks.corrections import DONE, Actor, Choice, Chosen, Corrected, CorrectionAnswer, Corrections
from tasks.ledger import DEAD_LETTERS, OPEN_STATES, State

pages = PageRoutes()

#: A person waits for the page; what is left is for the next time, or for the command line.
MOST: Final = 5_000
REASON_MAXIMUM_CHARACTERS: Final = 2_000
_RATE_MAXIMUM: Final = 100_000
_REASONS_SHOWN: Final = 20
_STATES: Final[dict[str, frozenset[State]]] = {"replay": DEAD_LETTERS, "cancel": OPEN_STATES}
_WORDS: Final[dict[CorrectionAnswer, str]] = {
    "replayed": "sent again",
    "cancelled": "cancelled",
    "asked": "being sent; stops before its next text",
    "refused": "left: no dead letter",
    "final": "left: final already",
    "expired": "left: expired, and perhaps stale",
    "uncertain": "left: uncertain, it may have arrived",
    "unknown": "left: forgotten meanwhile",
}


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a person wants done, and to which.

    Attributes:
        action: Replay or cancel.
        ids: Those that were named; empty where a filter is meant.
        search: The filter.
        even_expired: Replay what is expired too.
        even_uncertain: Replay what may have arrived too.
        per_minute: So many a minute; None at once.
    """

    action: Literal["replay", "cancel"]
    ids: tuple[str, ...]
    search: Search
    even_expired: bool
    even_uncertain: bool
    per_minute: int | None

    def choose(self, visit: Visit, corrections: Corrections) -> Choice:
        """Whom it means now."""
        if self.ids:
            records = [visit.backend.queries.find(each) for each in self.ids]
            named = {record.id: Chosen.of(record) for record in records if record}
            return Choice(tuple(named.values()), is_whole=True)
        states = _STATES[self.action]
        wanted = replace(self.search.wanted, states=(self.search.wanted.states & states) or states)
        if self.search.wanted.states and not self.search.wanted.states & states:
            return Choice((), is_whole=True)
        return corrections.choose(wanted, most=MOST)

    def correct(
        self, visit: Visit, corrections: Corrections, choice: Choice, *, why: str, dry_run: bool
    ) -> Iterator[Corrected]:
        """Do it, or only say what would become of each."""
        actor = Actor(visit.name, visit.source)
        if self.action == "cancel":
            return corrections.cancel(choice.chosen, actor=actor, why=why, dry_run=dry_run)
        return corrections.replay(
            choice.chosen,
            actor=actor,
            why=why,
            even_expired=self.even_expired,
            even_uncertain=self.even_uncertain,
            per_minute=self.per_minute,
            dry_run=dry_run,
        )


@pages.get("/corrections", need=Privilege.MANAGE_NOTIFICATIONS, action="message.correct")
def look(visit: Visit) -> Response:
    """What would become of each; nothing is done."""
    return _page(visit, _asked(visit.request.query_params))


@pages.post("/corrections", need=Privilege.MANAGE_NOTIFICATIONS, action="message.correct")
def correct(visit: Visit) -> Response:
    """Do it, for a reason."""
    asked = _asked(visit.form)
    why = visit.field("reason").strip()
    if visit.field("look"):
        return _page(visit, asked, reason=why)
    if not why or len(why) > REASON_MAXIMUM_CHARACTERS:
        return _page(visit, asked, reason=why, fault="Say why, in at most 2,000 characters.")
    corrections = _corrections(visit)
    choice = asked.choose(visit, corrections)
    done = list(asked.correct(visit, corrections, choice, why=why, dry_run=False))
    counts = Counter(_WORDS[one.answer] for one in done)
    told = (
        ", ".join(f"{count:,} {words}" for words, count in counts.most_common()) or "nothing matched any more"
    )
    visit.tell(
        f"{told[:1].upper()}{told[1:]}.", "done" if any(one.answer in DONE for one in done) else "note"
    )
    if len(asked.ids) == 1 and choice.chosen:
        return visit.go(f"/messages/{choice.chosen[0].number}")
    return visit.go(f"/messages?{asked.search.query}" if asked.search.query else "/messages")


def _page(visit: Visit, asked: _Asked, *, reason: str = "", fault: str = "") -> Response:
    corrections = _corrections(visit)
    choice = asked.choose(visit, corrections)
    would = list(asked.correct(visit, corrections, choice, why="", dry_run=True))
    return visit.page(
        "corrections.html",
        status=HTTPStatus.UNPROCESSABLE_ENTITY if fault else HTTPStatus.OK,
        asked=asked,
        most=MOST,
        total=len(choice.chosen),
        is_whole=choice.is_whole,
        would_be_done=sum(one.answer in DONE for one in would),
        has_expired=any(one.chosen.state == "expired" for one in would),
        has_uncertain=any(one.chosen.state in {"uncertain", "partial"} for one in would),
        rows=_tally(would),
        reason=reason,
        fault=fault,
        reason_maximum=REASON_MAXIMUM_CHARACTERS,
        rate_maximum=_RATE_MAXIMUM,
    )


def _tally(would: list[Corrected]) -> list[dict[str, Any]]:
    """How many would come to what, and of which state and reason they are; the most first."""
    counts = Counter((one.answer, one.chosen.state, one.chosen.reason) for one in would)
    rows: list[dict[str, Any]] = [
        {"count": count, "words": _WORDS[answer], "is_done": answer in DONE, "state": state, "reason": reason}
        for (answer, state, reason), count in counts.most_common(_REASONS_SHOWN)
    ]
    rest = sum(counts.values()) - sum(row["count"] for row in rows)
    if rest:
        rows.append(
            {"count": rest, "words": "", "is_done": False, "state": "", "reason": "for other reasons"}
        )
    return rows


def _corrections(visit: Visit) -> Corrections:
    at = visit.backend
    return Corrections(at.ledger, at.queries, visit.store, at.audit)


def _asked(given: ImmutableMultiDict[str, Any]) -> _Asked:
    action = given.get("action")
    if action not in _STATES:
        raise invalid("action", "is none; allowed: replay, cancel")
    rate = str(given.get("per_minute") or "").strip()
    is_number = rate.isascii() and rate.isdecimal() and len(rate.lstrip("0")) <= len(str(_RATE_MAXIMUM))
    if rate and not (is_number and 1 <= int(rate) <= _RATE_MAXIMUM):
        raise invalid("per_minute", f"is not a whole number; allowed: 1 to {_RATE_MAXIMUM:,}, or blank")
    ids = [each for each in given.getlist("message") if isinstance(each, str)]
    search = search_of(given)
    if search.faults:
        name, fault = next(iter(search.faults.items()))
        raise invalid(name, fault)
    if not ids and search.wanted.is_empty:
        raise invalid("message", "is missing; tick some, or filter the list first")
    return _Asked(
        action="replay" if action == "replay" else "cancel",
        ids=tuple(dict.fromkeys(ids))[:MOST],
        search=search,
        even_expired=bool(given.get("even_expired")),
        even_uncertain=bool(given.get("even_uncertain")),
        per_minute=int(rate) if rate else None,
    )
