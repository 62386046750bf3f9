"""`notify account`: who signs in to the web console and the HTTP API."""

from __future__ import annotations

import sys

import click

from console.cli import access_view
from console.cli.access import opened_access
from console.cli.author import author, source
from console.cli.flags import as_json
from console.cli.output import say, say_json, tell
from console.cli.screen import Screen
from console.cli.typed_secret import from_stdin
from settings_store.access import Access
from settings_store.access.password import generated

_generate = click.option(
    "--generate", is_flag=True, help="Make a password up and print it; it is replaced at the first sign-in."
)
_roles = click.option(
    "--role", "roles", multiple=True, required=True, metavar="ROLE", help="A role, again for more."
)
_PASSWORDS = """\b
The password comes from a hidden prompt or a pipe, never as an argument.
"""


@click.group("account", no_args_is_help=True)
def account() -> None:
    """Who signs in to the web console and the HTTP API.

    The command line needs no account: whoever reaches Redis may do everything.
    """


@account.command("list")
@as_json
def list_accounts(*, as_json: bool) -> None:
    """Every account, its roles, and when it last signed in."""
    access = opened_access()
    book, used = access.book(), access.last_used()
    if as_json:
        say_json(
            {"accounts": [access_view.account_json(each, book, used) for each in book.accounts.values()]}
        )
        return
    for line in access_view.accounts(book, used, Screen.of(sys.stdout)):
        say(line)
    if not book.accounts:
        tell("there is no account yet; `notify account add NAME --role Role_ocadm` makes an administrator")


@account.command("add", epilog=_PASSWORDS)
@click.argument("name")
@_roles
@_generate
@as_json
def add(*, name: str, roles: tuple[str, ...], generate: bool, as_json: bool) -> None:
    """Make an account."""
    access = opened_access()
    password = generated() if generate else from_stdin("Password")
    access.add_account(name, password, roles, by=author(), source=source(), must_change=generate)
    _show_password(name.lower(), password if generate else None, as_json=as_json, done="is made")


@account.command("set-password", epilog=_PASSWORDS)
@click.argument("name")
@_generate
@as_json
def set_password(*, name: str, generate: bool, as_json: bool) -> None:
    """Give an account another password. Its sessions end, and its failed sign-ins are forgotten."""
    access = opened_access()
    known = access.book().account(name).name
    password = generated() if generate else from_stdin("Password")
    access.set_password(known, password, by=author(), source=source(), must_change=generate)
    _show_password(known, password if generate else None, as_json=as_json, done="has another password")


@account.command("set-role")
@click.argument("name")
@click.argument("roles", metavar="ROLE...", nargs=-1, required=True)
@as_json
def set_role(*, name: str, roles: tuple[str, ...], as_json: bool) -> None:
    """Give an account these roles and no others. They hold at once."""
    access = opened_access()
    access.set_roles(name, roles, by=author(), source=source())
    _show(access, name, as_json=as_json, done=f"has the role {', '.join(access.book().account(name).roles)}")


@account.command("disable")
@click.argument("name")
@as_json
def disable(*, name: str, as_json: bool) -> None:
    """Refuse an account's sign-ins; its sessions and tokens end at once."""
    access = opened_access()
    access.set_disabled(name, disabled=True, by=author(), source=source())
    _show(access, name, as_json=as_json, done="is disabled")


@account.command("enable")
@click.argument("name")
@as_json
def enable(*, name: str, as_json: bool) -> None:
    """Let a disabled account in again."""
    access = opened_access()
    access.set_disabled(name, disabled=False, by=author(), source=source())
    _show(access, name, as_json=as_json, done="may sign in")


@account.command("unlock")
@click.argument("name")
@as_json
def unlock(*, name: str, as_json: bool) -> None:
    """Forget an account's failed sign-ins, so that it need not wait."""
    access = opened_access()
    had = access.unlock(name, by=author(), source=source())
    _show(access, name, as_json=as_json, done="may sign in" if had else "was not locked")


@account.command("remove")
@click.argument("name")
@as_json
def remove(*, name: str, as_json: bool) -> None:
    """Take an account away, with the tokens it owns. The audit keeps what it did."""
    access = opened_access()
    known = access.book().account(name).name
    access.remove_account(known, by=author(), source=source())
    if as_json:
        say_json({"name": known, "removed": True})
    else:
        say(f"{known} is removed")


def _show(access: Access, name: str, *, as_json: bool, done: str) -> None:
    book = access.book()
    changed = book.account(name)
    if as_json:
        say_json(access_view.account_json(changed, book, access.last_used()))
    else:
        say(f"{changed.name} {done}")


def _show_password(name: str, password: str | None, *, as_json: bool, done: str) -> None:
    if as_json:
        say_json({"name": name} if password is None else {"name": name, "password": password})
        return
    tell(f"{name} {done}")
    if password is not None:
        say(password)
        tell("this password is shown once; it is to be replaced at the first sign-in")
