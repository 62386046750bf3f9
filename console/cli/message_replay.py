"""`notify message replay`: send dead letters again."""

from __future__ import annotations

from typing import Any

import click

from console.cli.author import author, source
from console.cli.correcting import carry_out, chosen_by
from console.cli.errors import BadInput
from console.cli.flags import as_json, dry_run
from console.cli.message_filter_flags import filter_flags
from console.cli.message_lookup import desk
from console.cli.output import tell
from console.presenting.relative_time import duration
from tasks.corrections import MOST, Actor
from tasks.ledger import DEAD_LETTERS

_EXAMPLES = """\b
Examples:
  notify message replay 11355 --reason "mailbox is there again"
  notify message replay --state failed --job payroll --since 1d --dry-run
  notify message replay --state failed --reason "relay fixed" --rate 30
"""
_MINUTE_MS = 60_000


@click.command("replay", epilog=_EXAMPLES)
@click.argument("ids", metavar="[ID]...", nargs=-1)
@filter_flags
@click.option("--reason", default="", metavar="TEXT", help="Why; it stands in each timeline and the audit.")
@click.option(
    "--rate",
    type=click.IntRange(1, 100_000),
    metavar="N",
    help="So many a minute; at once unless told. They wait in the ledger for their turn.",
)
@click.option("--even-expired", is_flag=True, help="Also what is expired, and may be stale.")
@click.option("--even-uncertain", is_flag=True, help="Also what may have arrived, and may come twice.")
@click.option("--limit", type=click.IntRange(1, MOST), default=MOST, help="No more than these.")
@dry_run
@as_json
def replay(
    *,
    ids: tuple[str, ...],
    reason: str,
    rate: int | None,
    even_expired: bool,
    even_uncertain: bool,
    limit: int,
    dry_run: bool,
    as_json: bool,
    **given: Any,
) -> None:
    """Send dead letters again, to those alone who do not have them.

    Under the same number and Message-ID, with a fresh age limit. Dead letters are failed, partial,
    expired and uncertain ones; the last two go only where a flag says so. Broken off, it has done what
    it has done, and the same command goes on with the rest.

    Exit code 1 where none, or one of the ids named, could be replayed; 3 where nothing matches.
    """
    if not reason.strip() and not dry_run:
        raise BadInput("--reason: is missing", 'say why, for example --reason "the relay is back"')
    at = desk()
    choice = chosen_by(at, ids, given, DEAD_LETTERS, most=limit)
    corrections = at.corrections
    if rate and not dry_run:
        length = duration((len(choice.chosen) - 1) * _MINUTE_MS / rate)
        tell(f"paced: the last of {len(choice.chosen)} goes out in {length} at the latest")
    carry_out(
        choice,
        lambda chosen: corrections.replay(
            chosen,
            actor=Actor(author(), source()),
            why=reason.strip(),
            even_expired=even_expired,
            even_uncertain=even_uncertain,
            per_minute=rate,
            dry_run=dry_run,
        ),
        dry_run=dry_run,
        as_json=as_json,
        named=bool(ids),
    )
