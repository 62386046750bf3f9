"""`notify options set`, `reset` and `rollback`: each a whole revision with a reason."""

from __future__ import annotations

import click

from console.cli import completing
from console.cli.assignments import assigned
from console.cli.author import author
from console.cli.flags import as_json, dry_run
from console.cli.options_store import (
    checked_reason,
    expected_flag,
    open_store,
    reason_flag,
    show_change,
    with_pauses_left,
)
from settings_store.catalog import ALL_OPTIONS

_SECRETS = """\b
Secrets are never arguments:
  KEY=-        reads one from a hidden prompt or a pipe
  KEY=@FILE    reads it from a file
  KEY=enc:...  is what `notify encrypt` printed
"""


@click.command("set", epilog=_SECRETS)
@click.argument(
    "assignments", metavar="KEY=VALUE...", nargs=-1, required=True, shell_complete=completing.assignments
)
@reason_flag
@expected_flag
@dry_run
@as_json
def set_options(
    *, assignments: tuple[str, ...], reason: str | None, expected: int | None, dry_run: bool, as_json: bool
) -> None:
    """Set options, all of them or none. KEY= with nothing after it sets a blank."""
    why = checked_reason(reason, dry_run=dry_run)
    values = assigned(assignments)
    store = open_store(with_keys=any(ALL_OPTIONS[key].secret and value for key, value in values.items()))
    change = store.change(values, author=author(), reason=why, expected_revision=expected, dry_run=dry_run)
    show_change(with_pauses_left(store, change), as_json=as_json)


@click.command("reset")
@click.argument("names", metavar="NAME...", nargs=-1, required=True, shell_complete=completing.option_names)
@reason_flag
@expected_flag
@dry_run
@as_json
def reset(
    *, names: tuple[str, ...], reason: str | None, expected: int | None, dry_run: bool, as_json: bool
) -> None:
    """Set options back to their defaults: options, whole groups, or `all`. Secrets are cleared."""
    why = checked_reason(reason, dry_run=dry_run)
    store = open_store()
    change = store.reset(names, author=author(), reason=why, expected_revision=expected, dry_run=dry_run)
    show_change(with_pauses_left(store, change), as_json=as_json)


@click.command("rollback")
@click.argument("revision", type=click.IntRange(min=0))
@reason_flag
@expected_flag
@dry_run
@as_json
def rollback(
    *, revision: int, reason: str | None, expected: int | None, dry_run: bool, as_json: bool
) -> None:
    """Set every option back to what it was at a revision, as a new revision; secrets too."""
    why = checked_reason(reason, dry_run=dry_run)
    store = open_store()
    change = store.rollback(
        revision, author=author(), reason=why, expected_revision=expected, dry_run=dry_run
    )
    show_change(with_pauses_left(store, change), as_json=as_json)
