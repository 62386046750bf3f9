"""`notify message`: what became of notifications."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import Any, Literal

import click

from console.cli import message_json
from console.cli.author import author
from console.cli.context import client, environment
from console.cli.errors import NOTHING_MATCHED, Failed, NothingMatched
from console.cli.flags import as_json, dry_run
from console.cli.message_list_view import message_table
from console.cli.message_view import message_lines
from console.cli.moment import moment
from console.cli.output import say, say_json, tell
from console.cli.screen import Screen
from tasks.ledger import FINAL_STATES, STATES, Ledger, LedgerQueries, State
from tasks.ledger.queries import Record

_PAGE_MAXIMUM = 10_000


@click.group("message", no_args_is_help=True)
def message() -> None:
    """What became of notifications. ID is the id, or the number that stands first in every message."""


@message.command("show")
@click.argument("id_or_number", metavar="ID")
@as_json
def show(*, id_or_number: str, as_json: bool) -> None:
    """One notification: its state, its recipients, and every attempt with what the server said."""
    queries, _, now_ms = _ledger()
    record = _found(queries, id_or_number)
    if as_json:
        say_json(message_json.show(record))
        return
    for line in message_lines(record, now_ms=now_ms, screen=Screen.of(sys.stdout)):
        say(line)


@message.command("list")
@click.option(
    "--state",
    "states",
    type=click.Choice(STATES),
    multiple=True,
    metavar="STATE",
    help=f"One state, again for more: {', '.join(STATES)}.",
)
@click.option("--since", metavar="TIME", help="Accepted since this time, or in the last 2h.")
@click.option("--until", metavar="TIME", help="Accepted until this time, or more than 2h ago.")
@click.option("--limit", type=click.IntRange(1, _PAGE_MAXIMUM), default=50, show_default=True)
@click.option(
    "--offset", type=click.IntRange(min=0, max=1_000_000), default=0, help="Leave out the newest N."
)
@as_json
def list_messages(
    *,
    states: tuple[State, ...],
    since: str | None,
    until: str | None,
    limit: int,
    offset: int,
    as_json: bool,
) -> None:
    """Notifications, newest first. Exit code 3 where a filter matches none."""
    from_ms, to_ms = _milliseconds("--since", since), _milliseconds("--until", until)
    queries, _, now_ms = _ledger()
    page = queries.page(
        dict.fromkeys(states or STATES), since_ms=from_ms, until_ms=to_ms, limit=limit, offset=offset
    )
    if as_json:
        say_json(message_json.listed(page))
    else:
        for line in message_table(page, now_ms=now_ms, screen=Screen.of(sys.stdout)):
            say(line)
        if offset + len(page.summaries) < page.total:
            tell(f"{len(page.summaries)} of {page.total}; --offset {offset + limit} shows the next")
    if not page.total:
        filtered = bool(states or since or until)
        tell("nothing matches" if filtered else "no notification was accepted yet")
        raise click.exceptions.Exit(NOTHING_MATCHED if filtered else 0)


@message.command("cancel")
@click.argument("id_or_number", metavar="ID")
@dry_run
@as_json
def cancel(*, id_or_number: str, dry_run: bool, as_json: bool) -> None:
    """Stop a notification that is not sent yet. What a server has taken cannot be called back."""
    queries, ledger, _ = _ledger()
    record = _found(queries, id_or_number)
    if dry_run:
        outcome = "final" if record.state in FINAL_STATES else "cancelled"
        outcome = "asked" if record.state == "sending" else outcome
        state: State | Literal[""] = record.state
    else:
        outcome, state = ledger.cancel(record.id, by=author())
    if outcome == "unknown":
        raise _unknown(id_or_number)
    if outcome == "final" and state != "cancelled":
        raise Failed(
            f"ID={record.number} is {state} already, so there is nothing to cancel",
            f"`notify message show {record.number}` tells what happened",
        )
    if as_json:
        say_json({"id": record.id, "number": record.number, "state": state, "outcome": outcome})
    else:
        say(f"ID={record.number} {_SAID[outcome]}")
    if dry_run:
        tell("dry run: nothing was cancelled")


_SAID = {
    "cancelled": "is cancelled",
    "asked": "is being sent; the worker stops before it sends anything more",
    "final": "was cancelled before",
}


def _ledger() -> tuple[LedgerQueries, Ledger, int]:
    """The ledger, and its own time: relative times must not suffer from two clocks."""
    found = environment()
    connected = client(found)
    answer: Any = connected.time()
    now_ms = answer[0] * 1000 + answer[1] // 1000
    return LedgerQueries(connected, prefix=found.prefix), Ledger(connected, prefix=found.prefix), now_ms


def _found(queries: LedgerQueries, id_or_number: str) -> Record:
    asked = id_or_number.strip()
    # People copy it from a message, where it stands as `ID=11355`.
    record = queries.find(asked.removeprefix("ID="))
    if record is None:
        raise _unknown(asked)
    return record


def _unknown(asked: str) -> NothingMatched:
    return NothingMatched(
        f"{asked}: there is no such notification, or it is forgotten after the history's days",
        "`notify message list` shows what there is",
    )


def _milliseconds(flag: str, text: str | None) -> int | None:
    if text is None:
        return None
    at: datetime = moment(text, flag, "ago")
    return int(at.timestamp() * 1000)
