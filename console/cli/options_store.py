"""The options of this installation as the commands reach them, and how a change of them is told."""

from __future__ import annotations

import sys

import click

from console.cli import options_view
from console.cli.author import source
from console.cli.context import client, environment
from console.cli.errors import BadInput
from console.cli.output import say, say_json, tell, warn
from console.cli.screen import Screen
from console.presenting import options_json
from settings_store.change import Change
from settings_store.keyring import load as load_keyring
from settings_store.store import SettingsStore

#: Flags of every command that changes options.
reason_flag = click.option(
    "--reason", metavar="TEXT", help="Why; kept in the history. Needed unless --dry-run."
)
expected_flag = click.option(
    "--expect-revision",
    "expected",
    type=click.IntRange(min=0),
    metavar="N",
    help="Change nothing if another revision holds, and tell who changed what.",
)


def open_store(*, with_keys: bool = False) -> SettingsStore:
    """The options; the keys are read only where a secret is set, so that a lost key file hides nothing."""
    found = environment()
    keyring = load_keyring(found.key_files) if with_keys else None
    return SettingsStore(client(found), prefix=found.prefix, keyring=keyring, source=source())


def checked_reason(reason: str | None, *, dry_run: bool) -> str:
    """The reason, which only a dry run may lack.

    Raises:
        BadInput: It is missing or blank.
    """
    if not dry_run and not (reason or "").strip():
        raise BadInput("--reason is missing: the history keeps why something was changed", "--reason TEXT")
    return reason or ""


def with_pauses_left(store: SettingsStore, change: Change) -> Change:
    """The change with a warning more for each server whose pause does not hold after it."""
    if not change.changes:
        return change
    # Imported where they are used: whoever only reads an option would wait for all of `tasks`.
    from tasks import pausing  # noqa: PLC0415
    from tasks.breaker import Breaker  # noqa: PLC0415

    found = environment()
    return pausing.with_pauses_left(change, store, Breaker(client(found), prefix=found.prefix))


def show_change(change: Change, *, as_json: bool) -> None:
    """Tell what was changed, or in a dry run would be, and what is wrong together after it."""
    if as_json:
        say_json(options_json.change(change))
        return
    for line in options_view.difference(change.changes, Screen.of(sys.stdout)):
        say(line)
    if change.saved:
        say(f"saved as revision {change.revision}")
    elif change.changes:
        tell(f"dry run: nothing was saved, revision {change.revision} holds")
    else:
        tell(f"nothing differs, revision {change.revision} holds")
    for warning in change.warnings:
        warn(warning)
