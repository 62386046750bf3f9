"""`notify token`: what programs sign in with at the HTTP API."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta

import click

from console.cli import access_view
from console.cli.access import opened_access
from console.cli.author import author, source
from console.cli.flags import as_json
from console.cli.moment import moment
from console.cli.output import say, say_json, tell
from console.cli.role import PRIVILEGES, privileges
from console.cli.screen import Screen
from settings_store.access import Privilege

_NEVER = "never"


@click.group("token", no_args_is_help=True)
def token() -> None:
    """What programs sign in with at the HTTP API: each with a scope and an end."""


@token.command("create", epilog=PRIVILEGES)
@click.argument("name")
@privileges
@click.option(
    "--expires",
    default="90d",
    show_default=True,
    metavar="TIME",
    help="When it ends: 90d, an RFC 3339 time, or never.",
)
@click.option(
    "--account",
    "owner",
    default="",
    metavar="NAME",
    help="It may do no more than this account, and goes with it.",
)
@as_json
def create(*, name: str, privileges: tuple[str, ...], expires: str, owner: str, as_json: bool) -> None:
    """Make a token and print it, this once. It cannot be shown again."""
    access = opened_access()
    made = access.create_token(
        name,
        map(Privilege, privileges),
        lifetime=_lifetime(expires),
        by=author(),
        source=source(),
        owner=owner,
    )
    if as_json:
        document = access_view.token_json(access.book().token(name), access.last_used())
        say_json({**document, "token": made})
        return
    say(made)
    tell("this token is shown once: keep it where secrets are kept; a program sends it as")
    tell("Authorization: Bearer TOKEN")


@token.command("list")
@as_json
def list_tokens(*, as_json: bool) -> None:
    """Every token: its scope, its end, and when it was last used. The tokens themselves are not kept."""
    access = opened_access()
    book, used = access.book(), access.last_used()
    if as_json:
        say_json({"tokens": [access_view.token_json(each, used) for each in book.tokens.values()]})
        return
    for line in access_view.tokens(book, used, Screen.of(sys.stdout)):
        say(line)
    if not book.tokens:
        tell("there is no token yet")


@token.command("revoke")
@click.argument("name")
@as_json
def revoke(*, name: str, as_json: bool) -> None:
    """Refuse a token from now on. NAME is its name, or what it begins with: ntf_0a1b2c3d4e5f."""
    revoked = opened_access().revoke_token(name, by=author(), source=source())
    if as_json:
        say_json({"name": revoked, "revoked": True})
    else:
        say(f"{revoked} is revoked")


def _lifetime(expires: str) -> timedelta | None:
    if expires.strip().lower() == _NEVER:
        return None
    now = datetime.now(UTC)
    return moment(expires, "--expires", "from now", now=now) - now
