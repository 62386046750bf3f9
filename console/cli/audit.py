"""`notify audit`: who did what, when and from where."""

from __future__ import annotations

import csv
import itertools
import json
import sys
from collections.abc import Callable, Iterator
from typing import Any

import click

from console.cli import audit_view
from console.cli.context import client, environment
from console.cli.errors import NOTHING_MATCHED
from console.cli.flags import as_json
from console.cli.moment import moment
from console.cli.output import say, say_json, tell
from console.cli.screen import Screen
from settings_store.audit import Audit
from settings_store.audit_row import OUTCOMES, Wanted

_PAGE_MAXIMUM = 10_000
_LINE_END = "\r\n"


def _filters(command: Callable[..., None]) -> Callable[..., None]:
    """The flags that say which rows are wanted."""
    for flag in reversed(
        (
            click.option("--actor", default="", metavar="NAME", help="Who; * stands for any characters."),
            click.option(
                "--action", default="", metavar="NAME", help="What: options.change, or options for all of it."
            ),
            click.option(
                "--target",
                default="",
                metavar="NAME",
                help="To what: an option, a message, an account; or *.",
            ),
            click.option("--outcome", type=click.Choice(OUTCOMES), default=None, help="How it ended."),
            click.option("--since", metavar="TIME", help="Since this time, or in the last 2h."),
            click.option("--until", metavar="TIME", help="Until this time, or more than 2h ago."),
        )
    ):
        command = flag(command)
    return command


@click.group("audit", no_args_is_help=True)
def audit() -> None:
    """Who did what, when and from where. Rows are added and never changed.

    The option `audit.days` says how long they are kept.
    """


@audit.command("list")
@_filters
@click.option("--limit", type=click.IntRange(1, _PAGE_MAXIMUM), default=50, show_default=True)
@as_json
def list_rows(*, limit: int, as_json: bool, **filters: str | None) -> None:
    """What was done, newest first. Exit code 3 where a filter matches nothing."""
    found = list(itertools.islice(_audit().rows(_wanted(filters)), limit + 1))
    rows, more = found[:limit], len(found) > limit
    if as_json:
        say_json({"rows": [audit_view.document(row) for row in rows], "more": more})
    else:
        for line in audit_view.lines(rows, Screen.of(sys.stdout)):
            say(line)
        if more:
            tell(f"there are more; --limit {limit * 2} shows them, `notify audit export` all")
    if not rows:
        filtered = any(filters.values())
        tell("nothing matches" if filtered else "nothing was done yet")
        raise click.exceptions.Exit(NOTHING_MATCHED if filtered else 0)


_EXPORT_EPILOG = """\b
Example:
  notify audit export --since 30d > audit.csv
"""


@audit.command("export", epilog=_EXPORT_EPILOG)
@_filters
@click.option(
    "--format",
    "form",
    type=click.Choice(("csv", "jsonl")),
    default="csv",
    show_default=True,
    help="A table, or a JSON document a line.",
)
def export(*, form: str, **filters: str | None) -> None:
    """Every row, oldest first, for a file or another program."""
    documents = (audit_view.document(row) for row in _audit().rows(_wanted(filters), oldest_first=True))
    count = _write_csv(documents) if form == "csv" else _write_lines(documents)
    tell(f"{count} row{'' if count == 1 else 's'}")


def _write_csv(documents: Iterator[dict[str, Any]]) -> int:
    count = 0
    # What ends a line is also what is quoted within a cell: else one with a line end would forge a row.
    writer = csv.writer(_Lines(), lineterminator=_LINE_END)
    writer.writerow(audit_view.COLUMNS)
    for count, document in enumerate(documents, 1):  # noqa: B007  # the count is the result
        writer.writerow([audit_view.cell(document[column]) for column in audit_view.COLUMNS])
    return count


def _write_lines(documents: Iterator[dict[str, Any]]) -> int:
    count = 0
    for count, document in enumerate(documents, 1):  # noqa: B007  # the count is the result
        say(json.dumps(document))
    return count


class _Lines:
    """What `csv` writes into: a line of data each."""

    def write(self, line: str) -> None:
        """Print a row."""
        say(line.removesuffix(_LINE_END))


def _audit() -> Audit:
    found = environment()
    return Audit(client(found), prefix=found.prefix)


def _wanted(filters: dict[str, str | None]) -> Wanted:
    since, until = filters.pop("since"), filters.pop("until")
    named = {name: value.strip() for name, value in filters.items() if value}
    wanted = Wanted(
        **named,
        since=moment(since, "--since", "ago") if since else None,
        until=moment(until, "--until", "ago") if until else None,
    )
    filters.update(since=since, until=until)
    return wanted
