"""Messages as lines of a list: what the ledger's list knows, with subject and job of each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tasks.ledger import LedgerQueries
from tasks.ledger.queries import Summary
from tasks.notification import InvalidNotification, load


@dataclass(frozen=True, slots=True)
class Line:
    """One of them.

    Attributes:
        summary: As the ledger lists it.
        subject: Its subject, or the beginning of a text; blank where it is forgotten meanwhile.
        origin: Job, schedule and machine that it came from.
        recipients: How many.
    """

    summary: Summary
    subject: str
    origin: str
    recipients: int


def lines_of(queries: LedgerQueries, summaries: Iterable[Summary]) -> list[Line]:
    """The lines of a page."""
    return [_line(queries, summary) for summary in summaries]


def _line(queries: LedgerQueries, summary: Summary) -> Line:
    record = queries.get(summary.id)
    if record is None:
        return Line(summary, "", "", 0)
    try:
        notification = load(record.content)
    except InvalidNotification:
        return Line(summary, "", "", len(record.outcomes))
    context = notification.context
    origin = [str(part) for part in (context.job, context.schedule, context.machine) if part]
    subject = notification.subject or notification.message
    return Line(summary, " ".join(subject.split())[:120], " · ".join(origin)[:160], len(record.outcomes))
