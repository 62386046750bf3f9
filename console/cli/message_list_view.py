"""A list of notifications for a person: a line for each, the newest first."""

from __future__ import annotations

from console.cli.cell_text import shown
from console.cli.screen import Colour, Screen
from console.cli.state_words import COLOUR_OF_STATE
from console.cli.table import table
from console.presenting.relative_time import relative
from tasks.ledger.queries import Page, Summary

_HEAD = ("NUMBER", "STATE", "CHANNEL", "ACCEPTED", "WHY")


def message_table(page: Page, *, now_ms: int, screen: Screen) -> list[str]:
    """The lines of the list; none where it is empty."""
    rows = [
        (
            str(summary.number),
            f"{summary.state} ?" if summary.perhaps_twice else summary.state,
            summary.channel,
            relative(summary.accepted_at_ms, now_ms),
            _why(summary, now_ms),
        )
        for summary in page.summaries
    ]

    def colour(row: int, column: int) -> tuple[Colour, ...]:
        return COLOUR_OF_STATE[page.summaries[row].state] if column == 1 else ()

    return table(rows, screen, head=_HEAD if rows else (), paint=colour)


def _why(summary: Summary, now_ms: int) -> str:
    """The reason, and when it goes on."""
    reason = shown(summary.reason) if summary.state != "delivered" else ""
    if summary.perhaps_twice:
        reason = f"perhaps twice; {reason}" if reason else "perhaps twice"
    if summary.state == "waiting" and summary.next_at_ms is not None:
        again = f"again {relative(summary.next_at_ms, now_ms)}"
        return f"{again}: {reason}" if reason else again
    return reason
