"""`notify share`: which network shares attachments may come from."""

from __future__ import annotations

import click

from console.cli.author import author, source
from console.cli.context import client, environment
from console.cli.errors import NothingMatched
from console.cli.flags import as_json, dry_run
from console.cli.options_store import checked_reason, open_store, reason_flag, show_change
from console.cli.output import say, say_json, tell
from settings_store.audit import Audit
from settings_store.catalog import find
from settings_store.host_list import entries_of
from tasks.attachments.unc.sign_in_guard import SignInGuard

_OPTION = "unc.allowed_hosts"

_ENTRIES = """\b
An ENTRY is one of:
  files.corp.example          a host, exactly as paths name it
  '*.corp.example'            every host below a domain
  '\\\\files.corp.example\\d$'   one share; the only form for hidden ones
"""


@click.group(no_args_is_help=True)
def share() -> None:
    """Which network shares attachments may come from.

    The account of UNC Access is sent to no host that is not allowed here; DFS targets count too.
    """


@share.command("list")
@as_json
def list_allowed(*, as_json: bool) -> None:
    """The hosts and shares that are allowed."""
    snapshot = open_store().snapshot()
    allowed = [str(entry) for entry in entries_of(snapshot.text(_OPTION))]
    if as_json:
        say_json({"revision": snapshot.revision, "allowed": allowed})
        return
    for entry in allowed:
        say(entry)
    if not allowed:
        tell("none: no file is read from a network share")


@share.command("allow", epilog=_ENTRIES)
@click.argument("entries", metavar="ENTRY...", nargs=-1, required=True)
@reason_flag
@dry_run
@as_json
def allow(*, entries: tuple[str, ...], reason: str | None, dry_run: bool, as_json: bool) -> None:
    """Let the account be sent to hosts, or to single shares of them."""
    why = checked_reason(reason, dry_run=dry_run)
    added = _parsed(entries)
    store = open_store()
    before = store.snapshot()
    change = store.change(
        {_OPTION: ", ".join((before.text(_OPTION), *added))},
        author=author(),
        reason=why,
        expected_revision=before.revision,
        dry_run=dry_run,
    )
    show_change(change, as_json=as_json)


@share.command("disallow", epilog=_ENTRIES)
@click.argument("entries", metavar="ENTRY...", nargs=-1, required=True)
@reason_flag
@dry_run
@as_json
def disallow(*, entries: tuple[str, ...], reason: str | None, dry_run: bool, as_json: bool) -> None:
    """Take hosts or shares off the list again."""
    why = checked_reason(reason, dry_run=dry_run)
    removed = _parsed(entries)
    store = open_store()
    before = store.snapshot()
    listed = [str(entry) for entry in entries_of(before.text(_OPTION))]
    for entry in removed:
        if entry not in listed:
            raise NothingMatched(f"{entry} is not on the list", "`notify share list`")
    change = store.change(
        {_OPTION: ", ".join(entry for entry in listed if entry not in removed)},
        author=author(),
        reason=why,
        expected_revision=before.revision,
        dry_run=dry_run,
    )
    show_change(change, as_json=as_json)


@share.command("retry")
@as_json
def retry(*, as_json: bool) -> None:
    """Try a refused account again at once.

    To be used when it was unlocked, or its password reset to what the options have.
    A refused account is otherwise left alone for 15 to 60 minutes, so that it is not locked out.
    The scheduler's user, who fetches job output, is such an account too.
    """
    found = environment()
    redis_client = client(found)
    forgotten = SignInGuard(redis_client, prefix=found.prefix).forget()
    Audit(redis_client, prefix=found.prefix).record(
        author(), "share.retry", detail={"forgotten": forgotten}, source=source()
    )
    if as_json:
        say_json({"forgotten": forgotten})
    else:
        say("the account is tried again with the next file" if forgotten else "the account was not refused")


def _parsed(entries: tuple[str, ...]) -> list[str]:
    """Entries in the form in which they are stored.

    Raises:
        settings_store.errors.InvalidValue: One of them is none.
    """
    return [str(entry) for entry in entries_of(str(find(_OPTION).parse(", ".join(entries))))]
