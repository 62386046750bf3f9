"""`notify options`: look at the options and change them, a whole revision at a time."""

from __future__ import annotations

import sys

import click

from console.cli import options_json, options_view
from console.cli.assignments import assigned
from console.cli.author import author, source
from console.cli.cell_text import shown
from console.cli.context import client, environment
from console.cli.errors import BadInput
from console.cli.flags import as_json, dry_run
from console.cli.output import say, say_json, tell, warn
from console.cli.screen import Screen
from settings_store.catalog import ALL_OPTIONS, EVERYTHING, GROUPS, selected
from settings_store.change import Change, difference
from settings_store.errors import StaleRevision
from settings_store.history import masked
from settings_store.keyring import load as load_keyring
from settings_store.store import SettingsStore

_reason = click.option("--reason", metavar="TEXT", help="Why; kept in the history. Needed unless --dry-run.")
_expected = click.option(
    "--expect-revision",
    "expected",
    type=click.IntRange(min=0),
    metavar="N",
    help="Change nothing if another revision holds.",
)


@click.group(no_args_is_help=True)
def options() -> None:
    """Look at the options and change them.

    A change holds for the next server that any worker tries, with no restart.
    """


@options.command("list")
@click.option(
    "--group", type=click.Choice(list(GROUPS)), metavar="GROUP", help=f"One only of: {', '.join(GROUPS)}."
)
@click.option("--changed", is_flag=True, help="Only what differs from its default.")
@as_json
def list_options(*, group: str | None, changed: bool, as_json: bool) -> None:
    """Every option: its value, and who set it when."""
    store = _store()
    snapshot, marks = store.snapshot(), store.changed()
    keys = [
        key for key in selected(group or EVERYTHING) if not changed or key in snapshot.changed or key in marks
    ]
    if as_json:
        say_json(options_json.listed(keys, snapshot, marks))
        return
    for line in options_view.listed(keys, snapshot, marks, Screen.of(sys.stdout)):
        say(line)
    if not keys:
        tell("every option is at its default")
    tell(f"revision {snapshot.revision}")


@options.command("get")
@click.argument("keys", metavar="KEY...", nargs=-1, required=True)
@as_json
def get(*, keys: tuple[str, ...], as_json: bool) -> None:
    """The value of options, or of all in a group. Secrets are never shown."""
    asked = list(dict.fromkeys(key for name in keys for key in selected(name)))
    snapshot = _store().snapshot()
    values = {key: snapshot.get(key) for key in asked}
    if as_json:
        say_json(values)
    elif len(values) == 1:
        say(shown(next(iter(values.values()))))
    else:
        width = max(map(len, values))
        for key, value in values.items():
            say(f"{key:<{width}}  {shown(value)}".rstrip())


_SECRETS = """\b
Secrets are never arguments:
  KEY=-        reads one from a hidden prompt or a pipe
  KEY=@FILE    reads it from a file
  KEY=enc:...  is what `notify encrypt` printed
"""


@options.command("set", epilog=_SECRETS)
@click.argument("assignments", metavar="KEY=VALUE...", nargs=-1, required=True)
@_reason
@_expected
@dry_run
@as_json
def set_options(
    *, assignments: tuple[str, ...], reason: str | None, expected: int | None, dry_run: bool, as_json: bool
) -> None:
    """Set options, all of them or none. KEY= with nothing after it sets a blank."""
    _check_reason(reason, dry_run=dry_run)
    values = assigned(assignments)
    secrets = any(ALL_OPTIONS[key].secret and value for key, value in values.items())
    store = _store(with_keys=secrets)
    if dry_run:
        _show(_expected_of(store.preview(values), expected), as_json=as_json)
        return
    change = store.change(values, author=author(), reason=reason or "", expected_revision=expected)
    _show(change, as_json=as_json)


@options.command("reset")
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@_reason
@_expected
@dry_run
@as_json
def reset(
    *, names: tuple[str, ...], reason: str | None, expected: int | None, dry_run: bool, as_json: bool
) -> None:
    """Set options back to their defaults: options, whole groups, or `all`."""
    _check_reason(reason, dry_run=dry_run)
    keys = [key for name in names for key in selected(name)]
    store = _store()
    if dry_run:
        defaults = {key: ALL_OPTIONS[key].default for key in keys}
        _show(_expected_of(store.preview(defaults), expected), as_json=as_json)
        return
    _show(
        store.reset(keys, author=author(), reason=reason or "", expected_revision=expected), as_json=as_json
    )


@options.command("history")
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many revisions."
)
@as_json
def history(*, limit: int, as_json: bool) -> None:
    """Who changed what, when and why, newest first."""
    revisions = _store().history(limit)
    if as_json:
        say_json(options_json.history(revisions))
        return
    for line in options_view.history(revisions, Screen.of(sys.stdout)):
        say(line)
    if not revisions:
        tell("nothing was ever changed")


@options.command("rollback")
@click.argument("revision", type=click.IntRange(min=0))
@_reason
@_expected
@dry_run
@as_json
def rollback(
    *, revision: int, reason: str | None, expected: int | None, dry_run: bool, as_json: bool
) -> None:
    """Set every option back to what it was at a revision, as a new revision; secrets too."""
    _check_reason(reason, dry_run=dry_run)
    store = _store()
    if dry_run:
        then, now = store.at(revision), store.snapshot()
        changes = masked(difference(now, {key: then.own(key) for key in ALL_OPTIONS}))
        _show(
            _expected_of(Change(now.revision, saved=False, changes=changes, warnings=()), expected),
            as_json=as_json,
        )
        return
    change = store.rollback(revision, author=author(), reason=reason or "", expected_revision=expected)
    _show(change, as_json=as_json)


def _store(*, with_keys: bool = False) -> SettingsStore:
    """The options; the keys are read only where a secret is set, so that a lost key file hides nothing."""
    found = environment()
    keyring = load_keyring(found.key_files) if with_keys else None
    return SettingsStore(client(found), prefix=found.prefix, keyring=keyring, source=source())


def _check_reason(reason: str | None, *, dry_run: bool) -> None:
    if not dry_run and not (reason or "").strip():
        raise BadInput("--reason is missing: the history keeps why something was changed", "--reason TEXT")


def _expected_of(change: Change, expected: int | None) -> Change:
    if expected is not None and expected != change.revision:
        raise StaleRevision(expected, change.revision)
    return change


def _show(change: Change, *, as_json: bool) -> None:
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
