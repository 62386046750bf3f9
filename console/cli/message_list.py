"""`notify message list`: notifications by filter."""

from __future__ import annotations

import sys
from typing import Any

import click

from console.cli.errors import NOTHING_MATCHED, BadInput
from console.cli.flags import as_json
from console.cli.message_filter_flags import filter_flags, filter_of
from console.cli.message_list_view import message_table
from console.cli.message_lookup import desk
from console.cli.output import say, say_json, tell
from console.cli.screen import Screen
from console.presenting import message_json
from tasks.ledger.queries import Page
from tasks.ledger.search import InvalidCursor

_PAGE_MAXIMUM = 10_000
_OFFSET_MAXIMUM = 100_000


@click.command("list")
@filter_flags
@click.option("--limit", type=click.IntRange(1, _PAGE_MAXIMUM), default=50, show_default=True)
@click.option(
    "--offset", type=click.IntRange(min=0, max=_OFFSET_MAXIMUM), default=0, help="Leave out the newest N."
)
@click.option("--after", metavar="PLACE", help="Go on where a page ended; the page said where.")
@as_json
def list_messages(*, limit: int, offset: int, after: str | None, as_json: bool, **given: Any) -> None:
    """Notifications, newest first; with several flags those that fit all. Exit code 3 where none does."""
    wanted = filter_of(given)
    at = desk()
    try:
        page = at.queries.search(wanted, limit=limit, offset=offset, after=after)
    except InvalidCursor:
        raise BadInput(
            "--after: is no place in a list", "take it from `next` of --json, or use --offset"
        ) from None
    if as_json:
        say_json(message_json.listed(page))
    else:
        for line in message_table(page, now_ms=at.now_ms, screen=Screen.of(sys.stdout)):
            say(line)
        _tell_the_rest(page)
    if not page.total and not page.next_after:
        tell("no notification was accepted yet" if wanted.is_empty else "nothing matches")
        raise click.exceptions.Exit(0 if wanted.is_empty else NOTHING_MATCHED)


def _tell_the_rest(page: Page) -> None:
    """How many there are, and how to see the next."""
    if page.next_after is None:
        return
    total = f"{page.total}" if page.total_is_exact else f"at least {page.total}"
    tell(f"{len(page.summaries)} of {total}; --after {page.next_after} shows the next")
