"""`notify message cancel`: stop what is not sent yet."""

from __future__ import annotations

from typing import Any

import click

from console.cli.author import author, source
from console.cli.correcting import carry_out, chosen_by
from console.cli.errors import BadInput, Failed
from console.cli.flags import as_json, dry_run
from console.cli.message_filter_flags import filter_flags
from console.cli.message_lookup import Desk, desk, unknown
from console.cli.output import say, say_json, tell
from tasks.corrections import MOST, Actor, Chosen
from tasks.ledger import OPEN_STATES

_EXAMPLES = """\b
Examples:
  notify message cancel 11355
  notify message cancel --job payroll --since 1h --dry-run
  notify message cancel --state held --reason "sent by hand"
"""


@click.command("cancel", epilog=_EXAMPLES)
@click.argument("ids", metavar="[ID]...", nargs=-1)
@filter_flags
@click.option("--reason", default="", metavar="TEXT", help="Why; a filter must have one.")
@click.option("--limit", type=click.IntRange(1, MOST), default=MOST, help="No more than these.")
@dry_run
@as_json
def cancel(
    *, ids: tuple[str, ...], reason: str, limit: int, dry_run: bool, as_json: bool, **given: Any
) -> None:
    """Stop notifications that are not sent yet. What a server has taken cannot be called back.

    Exit code 1 where none, or one of the ids named, could be cancelled; 3 where nothing matches.
    """
    why = reason.strip()
    if not ids and not why and not dry_run:
        raise BadInput("--reason: is missing", 'say why, for example --reason "sent by hand"')
    at = desk()
    choice = chosen_by(at, ids, given, OPEN_STATES, most=limit)
    if len(ids) == 1:
        _cancel_one(at, choice.chosen[0], why, dry_run=dry_run, as_json=as_json)
        return
    corrections = at.corrections
    carry_out(
        choice,
        lambda chosen: corrections.cancel(chosen, actor=_actor(), why=why, dry_run=dry_run),
        dry_run=dry_run,
        as_json=as_json,
        named=bool(ids),
    )


def _actor() -> Actor:
    return Actor(author(), source())


def _cancel_one(at: Desk, chosen: Chosen, why: str, *, dry_run: bool, as_json: bool) -> None:
    """Cancel the one that was named, in a sentence about it."""
    (one,) = at.corrections.cancel([chosen], actor=_actor(), why=why, dry_run=dry_run)
    if one.answer == "unknown":
        raise unknown(chosen.id)
    if one.answer == "final" and one.state != "cancelled":
        raise Failed(
            f"ID={chosen.number} is {one.state} already, so there is nothing to cancel",
            f"`notify message show {chosen.number}` tells what happened",
        )
    if as_json:
        say_json({"id": chosen.id, "number": chosen.number, "state": one.state, "outcome": one.answer})
    else:
        said = _WOULD_BE if dry_run else _SAID
        say(f"ID={chosen.number} {said[one.answer]}")
    if dry_run:
        tell("dry run: nothing was cancelled")


_SAID = {
    "cancelled": "is cancelled",
    "asked": "is being sent; the worker stops before it sends anything more",
    "final": "was cancelled before",
}
_WOULD_BE = {
    **_SAID,
    "cancelled": "would be cancelled",
    "asked": "is being sent; the worker would stop before it sends anything more",
}
