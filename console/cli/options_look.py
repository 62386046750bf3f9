"""`notify options list`, `get`, `history` and `diff`: what holds, who set it, and what it was before."""

from __future__ import annotations

import sys

import click

from console.cli import completing, options_view
from console.cli.cell_text import shown
from console.cli.flags import as_json
from console.cli.options_store import open_store
from console.cli.output import say, say_json, tell, warn
from console.cli.screen import Screen
from console.presenting import options_json
from settings_store.catalog import EVERYTHING, GROUPS, selected
from settings_store.cautions import cautions
from settings_store.comparison import compare


@click.command("list")
@click.option(
    "--group", type=click.Choice(list(GROUPS)), metavar="GROUP", help=f"One only of: {', '.join(GROUPS)}."
)
@click.option("--changed", is_flag=True, help="Only what differs from its default.")
@as_json
def list_options(*, group: str | None, changed: bool, as_json: bool) -> None:
    """Every option: its value, who set it when, and what is wrong together."""
    store = open_store()
    snapshot, marks = store.snapshot(), store.changed()
    keys = [
        key for key in selected(group or EVERYTHING) if not changed or key in snapshot.changed or key in marks
    ]
    warnings = [
        caution for caution in cautions(snapshot) if not group or caution.startswith(f"{GROUPS[group]}: ")
    ]
    if as_json:
        say_json({**options_json.listed(keys, snapshot, marks), "warnings": warnings})
        return
    for line in options_view.listed(keys, snapshot, marks, Screen.of(sys.stdout)):
        say(line)
    if not keys:
        tell("every option is at its default")
    tell(f"revision {snapshot.revision}")
    for warning in warnings:
        warn(warning)


@click.command("get")
@click.argument("keys", metavar="KEY...", nargs=-1, required=True, shell_complete=completing.option_names)
@click.option("--who", is_flag=True, help="With the default, and who changed it and when.")
@as_json
def get(*, keys: tuple[str, ...], who: bool, as_json: bool) -> None:
    """The value of options, or of all in a group. Secrets are never shown."""
    asked = list(dict.fromkeys(key for name in keys for key in selected(name)))
    store = open_store()
    snapshot = store.snapshot()
    values = {key: snapshot.get(key) for key in asked}
    if who and as_json:
        say_json(options_json.marked(asked, snapshot, store.changed()))
    elif as_json:
        say_json(values)
    elif who:
        for line in options_view.marked(asked, snapshot, store.changed(), Screen.of(sys.stdout)):
            say(line)
    elif len(values) == 1:
        say(shown(next(iter(values.values()))))
    else:
        width = max(map(len, values))
        for key, value in values.items():
            say(f"{key:<{width}}  {shown(value)}".rstrip())


@click.command("history")
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many revisions."
)
@as_json
def history(*, limit: int, as_json: bool) -> None:
    """Who changed what, when and why, newest first."""
    revisions = open_store().history(limit)
    if as_json:
        say_json(options_json.history(revisions))
        return
    for line in options_view.history(revisions, Screen.of(sys.stdout)):
        say(line)
    if not revisions:
        tell("nothing was ever changed")


@click.command("diff")
@click.argument("older", metavar="REVISION", type=click.IntRange(min=0))
@click.argument("newer", metavar="[REVISION]", type=click.IntRange(min=0), required=False)
@as_json
def diff(*, older: int, newer: int | None, as_json: bool) -> None:
    """What differs between two revisions, or between one and now.

    Revision 0 is every option at its default. Of a secret it is told whether it was changed, never what it
    is.
    """
    store = open_store()
    then = store.at(older)
    compared = compare(then, store.snapshot() if newer is None else store.at(newer))
    if as_json:
        say_json(options_json.compared(compared))
        return
    for line in options_view.compared(compared, Screen.of(sys.stdout)):
        say(line)
    tell(f"from revision {compared.older} to {compared.newer}{' (now)' if newer is None else ''}")
    if not compared.changes:
        tell("nothing differs")
