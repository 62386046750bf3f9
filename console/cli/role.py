"""`notify role`: named sets of privileges."""

from __future__ import annotations

import sys

import click

from console.cli import access_view
from console.cli.access import opened_access
from console.cli.author import author, source
from console.cli.flags import as_json
from console.cli.output import say, say_json
from console.cli.screen import Screen
from settings_store.access import GRANTABLE, MEANING, Privilege

#: For tokens too.
PRIVILEGES = "\b\nPrivileges:\n" + "\n".join(f"  {each:<24} {MEANING[each]}" for each in GRANTABLE)

privileges = click.option(
    "--privilege",
    "privileges",
    multiple=True,
    required=True,
    type=click.Choice([each.value for each in GRANTABLE]),
    metavar="PRIVILEGE",
    help="A privilege, again for more.",
)


@click.group("role", no_args_is_help=True)
def role() -> None:
    """Named sets of privileges, for accounts. Role_ocadm is built in and holds everything."""


@role.command("list")
@as_json
def list_roles(*, as_json: bool) -> None:
    """Every role, what it holds, and who has it."""
    book = opened_access().book()
    if as_json:
        say_json({"roles": [access_view.role_json(each, book) for each in access_view.every_role(book)]})
        return
    for line in access_view.roles(book, Screen.of(sys.stdout)):
        say(line)


@role.command("add", epilog=PRIVILEGES)
@click.argument("name")
@privileges
@as_json
def add(*, name: str, privileges: tuple[str, ...], as_json: bool) -> None:
    """Make a role."""
    _set(name, privileges, new=True, as_json=as_json)


@role.command("set", epilog=PRIVILEGES)
@click.argument("name")
@privileges
@as_json
def set_role(*, name: str, privileges: tuple[str, ...], as_json: bool) -> None:
    """Let a role hold these privileges and no others. It holds at once for all who have it."""
    _set(name, privileges, new=False, as_json=as_json)


@role.command("remove")
@click.argument("name")
@as_json
def remove(*, name: str, as_json: bool) -> None:
    """Take a role away that nobody has."""
    access = opened_access()
    known = access.book().role(name).name
    access.remove_role(known, by=author(), source=source())
    if as_json:
        say_json({"name": known, "removed": True})
    else:
        say(f"{known} is removed")


def _set(name: str, privileges: tuple[str, ...], *, new: bool, as_json: bool) -> None:
    access = opened_access()
    access.set_role(name, map(Privilege, privileges), new=new, by=author(), source=source())
    book = access.book()
    made = book.role(name)
    if as_json:
        say_json(access_view.role_json(made, book))
    else:
        say(f"{made.name} holds {', '.join(sorted(made.privileges))}")
