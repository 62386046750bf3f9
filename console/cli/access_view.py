"""Accounts, roles and tokens for a person and for a program. Hashes are shown to neither."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from console.cli.cell_text import shown
from console.cli.screen import Colour, Screen
from console.cli.table import table
from console.presenting.relative_time import relative, rfc3339
from settings_store.access import ADMINISTRATORS, Account, Book, Role, Token
from settings_store.access.token_text import PREFIX

_SECOND_MS: Final = 1000


def account_json(account: Account, book: Book, used: Mapping[str, datetime]) -> dict[str, Any]:
    """An account with stable names."""
    return {
        "name": account.name,
        "roles": list(account.roles),
        "privileges": sorted(book.privileges_of(account)),
        "disabled": account.disabled,
        "must_change_password": account.must_change,
        "created_at": _time(account.created_at),
        "created_by": account.created_by,
        "last_sign_in": _time(used.get(f"account:{account.name}")),
    }


def role_json(role: Role, book: Book) -> dict[str, Any]:
    """A role with stable names."""
    return {
        "name": role.name,
        "privileges": sorted(role.privileges),
        "built_in": role.name == ADMINISTRATORS,
        "accounts": _having(role, book),
    }


def token_json(token: Token, used: Mapping[str, datetime]) -> dict[str, Any]:
    """A token with stable names, without its secret."""
    return {
        "name": token.name,
        "id": f"{PREFIX}{token.id}",
        "privileges": sorted(token.privileges),
        "account": token.owner or None,
        "expires_at": _time(token.expires_at),
        "created_at": _time(token.created_at),
        "created_by": token.created_by,
        "last_used": _time(used.get(f"token:{token.id}")),
    }


def accounts(book: Book, used: Mapping[str, datetime], screen: Screen) -> Iterator[str]:
    """A table of accounts, the disabled ones dimmed."""
    every = sorted(book.accounts.values(), key=lambda account: account.name)
    rows = [
        (
            each.name,
            ", ".join(each.roles),
            _state(each),
            _when(used.get(f"account:{each.name}"), "never"),
        )
        for each in every
    ]

    def light(row: int, _: int) -> tuple[Colour, ...]:
        return ("dim",) if every[row].disabled else ()

    head = ("ACCOUNT", "ROLES", "STATE", "LAST SIGN-IN") if rows else ()
    yield from table(rows, screen, head=head, flexible=1, paint=light)


def every_role(book: Book) -> list[Role]:
    """The roles, the built-in one first."""
    return [book.role(ADMINISTRATORS), *sorted(book.roles.values(), key=lambda role: role.name.lower())]


def roles(book: Book, screen: Screen) -> Iterator[str]:
    """A table of roles."""
    rows = [
        (
            role.name,
            "everything" if role.name == ADMINISTRATORS else ", ".join(sorted(role.privileges)),
            ", ".join(_having(role, book)) or "nobody",
        )
        for role in every_role(book)
    ]
    yield from table(rows, screen, head=("ROLE", "PRIVILEGES", "ACCOUNTS"), flexible=1)


def tokens(book: Book, used: Mapping[str, datetime], screen: Screen) -> Iterator[str]:
    """A table of tokens."""
    rows = [
        (
            shown(each.name),
            f"{PREFIX}{each.id}",
            ", ".join(sorted(each.privileges)),
            each.owner or "-",
            _when(each.expires_at, "never"),
            _when(used.get(f"token:{each.id}"), "never"),
        )
        for each in sorted(book.tokens.values(), key=lambda token: token.name.lower())
    ]
    head = ("TOKEN", "BEGINS WITH", "SCOPE", "ACCOUNT", "EXPIRES", "USED") if rows else ()
    yield from table(rows, screen, head=head, flexible=2)


def _having(role: Role, book: Book) -> list[str]:
    return sorted(account.name for account in book.accounts.values() if role.name in account.roles)


def _state(account: Account) -> str:
    if account.disabled:
        return "disabled"
    return "password to be replaced" if account.must_change else "enabled"


def _when(at: datetime | None, otherwise: str) -> str:
    if at is None:
        return otherwise
    return relative(at.timestamp() * _SECOND_MS, datetime.now(UTC).timestamp() * _SECOND_MS)


def _time(at: datetime | None) -> str | None:
    return rfc3339(at.timestamp() * _SECOND_MS) if at is not None else None
