"""`notify options mirror`: a secondary server that is its primary in everything, or itself again."""

from __future__ import annotations

import sys

import click

from console.cli import options_view
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
from console.cli.output import say, say_json, tell
from console.cli.screen import Screen
from console.presenting import options_json
from settings_store.change import after_change
from settings_store.snapshot import MIRRORS

_GROUPS = {flag.partition(".")[2]: group for group, (flag, _) in MIRRORS.items()}


@click.command("mirror")
@click.argument("channel", type=click.Choice(list(_GROUPS)))
@click.argument("action", type=click.Choice(["on", "off", "show"]), default="show")
@reason_flag
@expected_flag
@dry_run
@as_json
def mirror(
    *, channel: str, action: str, reason: str | None, expected: int | None, dry_run: bool, as_json: bool
) -> None:
    """Make a secondary server the same as its primary, or itself again, and show what it is.

    While on, whatever is set or cleared at the primary holds for the secondary too, secrets included. The
    secondary's own options are kept, and hold again when it is turned off.
    """
    group = _GROUPS[channel]
    flag, _ = MIRRORS[group]
    store = open_store()
    if action == "show":
        snapshot = store.snapshot()
        if as_json:
            say_json({"revision": snapshot.revision, **options_json.mirrored(group, snapshot)})
            return
        for line in options_view.mirrored(group, snapshot, Screen.of(sys.stdout)):
            say(line)
        tell(f"revision {snapshot.revision}")
        return
    why = checked_reason(reason, dry_run=dry_run)
    change = store.change(
        {flag: action},
        author=author(),
        reason=why,
        expected_revision=expected,
        dry_run=dry_run,
        action="options.mirror",
    )
    change = with_pauses_left(store, change)
    snapshot = store.snapshot()
    if dry_run:
        snapshot = after_change(snapshot, {flag: (snapshot.own(flag), action == "on")})
    if as_json:
        say_json({**options_json.change(change), **options_json.mirrored(group, snapshot)})
        return
    for line in options_view.mirrored(group, snapshot, Screen.of(sys.stdout)):
        say(line)
    show_change(change, as_json=False)
