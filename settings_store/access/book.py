"""Accounts, roles and tokens as one value, and every change of it: no Redis, no clock.

The whole of it is small, so it is read and replaced as one; a rule over several accounts, that an
administrator must remain, can then not be broken by two changes at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from settings_store.access.errors import BuiltIn, LastAdministrator, NameTaken, RoleInUse, UnknownName
from settings_store.access.privilege import GRANTABLE, Principal, Privilege, with_included
from settings_store.errors import InvalidValue

#: The role that holds everything; it is always there.
ADMINISTRATORS: Final = "Role_ocadm"
#: No `@` and no `:`, so that no account can pass for a user of the operating system or a token in the audit.
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_NAME_ALLOWED: Final = "1 to 64 letters, digits, dots, hyphens and underscores, the first a letter or digit"


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who signs in with a password.

    Attributes:
        name: In lower case.
        roles: Names of roles, at least one.
        password: The Argon2 hash.
        credential: Random, made anew with each password.
        created_at: When.
        created_by: By whom.
        disabled: Whether signing in is refused.
        must_change: Whether the password was generated and is to be replaced at the next sign-in.
    """

    name: str
    roles: tuple[str, ...]
    password: str = field(repr=False)
    credential: str = field(repr=False)
    created_at: datetime
    created_by: str
    disabled: bool = False
    must_change: bool = False


@dataclass(frozen=True, slots=True)
class Role:
    """A named set of privileges."""

    name: str
    privileges: frozenset[Privilege]


@dataclass(frozen=True, slots=True)
class Token:
    """What a program signs in with.

    Attributes:
        id: The part of the token that may be seen.
        name: What it is for.
        digest: SHA-256 of the secret part.
        privileges: Its scope.
        created_at: When.
        created_by: By whom.
        expires_at: From when on it is refused; None never.
        owner: The account whose privileges bound its own, and without which it is refused; blank: none.
    """

    id: str
    name: str
    digest: str = field(repr=False)
    privileges: frozenset[Privilege]
    created_at: datetime
    created_by: str
    expires_at: datetime | None = None
    owner: str = ""


@dataclass(frozen=True, slots=True)
class Book:
    """Every account, role and token at one moment; a change is a new book.

    Attributes:
        accounts: By name.
        roles: By name, `Role_ocadm` not among them.
        tokens: By id.
    """

    accounts: Mapping[str, Account] = field(default_factory=dict)
    roles: Mapping[str, Role] = field(default_factory=dict)
    tokens: Mapping[str, Token] = field(default_factory=dict)

    def account(self, name: str) -> Account:
        """The account of that name, in capitals or not; raises `UnknownName`."""
        try:
            return self.accounts[name.lower()]
        except KeyError:
            raise UnknownName("account", name) from None

    def role(self, name: str) -> Role:
        """The role of that name, in capitals or not; raises `UnknownName`."""
        for role in (Role(ADMINISTRATORS, frozenset(Privilege)), *self.roles.values()):
            if role.name.lower() == name.lower():
                return role
        raise UnknownName("role", name)

    def token(self, name: str) -> Token:
        """The token of that name or id; raises `UnknownName`."""
        for token in self.tokens.values():
            if name.lower() == token.name.lower() or name in {token.id, f"ntf_{token.id}"}:
                return token
        raise UnknownName("token", name)

    def privileges_of(self, account: Account) -> frozenset[Privilege]:
        """What an account may do: all that its roles hold, and nothing while it is disabled."""
        if account.disabled:
            return frozenset()
        held = [self.role(name).privileges for name in account.roles]
        return with_included(frozenset().union(*held))

    def principal(self, account: Account) -> Principal:
        """An account as the doors know it."""
        return Principal(
            "account", account.name, self.privileges_of(account), account.credential, account.must_change
        )

    def bearer(self, token: Token, now: datetime) -> Principal | None:
        """Whom a token stands for; None where it is over, or its owner is gone or disabled."""
        if token.expires_at is not None and token.expires_at <= now:
            return None
        privileges = with_included(token.privileges)
        if token.owner:
            owner = self.accounts.get(token.owner)
            if owner is None or owner.disabled:
                return None
            privileges &= self.privileges_of(owner)
        return Principal("token", f"token:{token.name}", privileges, token.id)

    def with_new_account(self, account: Account) -> Book:
        """With one account more; raises `NameTaken`, `UnknownName` for a role, `InvalidValue`."""
        checked_name("account", account.name)
        if account.name in self.accounts:
            raise NameTaken("account", account.name)
        return self.with_account(account)

    def with_account(self, account: Account) -> Book:
        """With an account as it now is; raises `UnknownName` for a role, `LastAdministrator`."""
        if not account.roles:
            raise InvalidValue("role", "is missing", "at least one role")
        roles = tuple(dict.fromkeys(self.role(name).name for name in account.roles))
        accounts = {**self.accounts, account.name: replace(account, roles=roles)}
        return _administered(self, replace(self, accounts=accounts), account.name)

    def without_account(self, name: str) -> Book:
        """Without an account and the tokens that it owns; raises `UnknownName`, `LastAdministrator`."""
        gone = self.account(name).name
        accounts = {key: account for key, account in self.accounts.items() if key != gone}
        tokens = {key: token for key, token in self.tokens.items() if token.owner != gone}
        return _administered(self, replace(self, accounts=accounts, tokens=tokens), gone)

    def with_role(self, name: str, privileges: Iterable[Privilege], *, new: bool) -> Book:
        """With a role; raises `NameTaken` where it is new, else `UnknownName`; `BuiltIn`, `InvalidValue`."""
        name = checked_name("role", name)
        known = {each.lower(): each for each in (ADMINISTRATORS, *self.roles)}.get(name.lower())
        if known == ADMINISTRATORS:
            raise BuiltIn(ADMINISTRATORS)
        if new and known:
            raise NameTaken("role", known)
        if not new and not known:
            raise UnknownName("role", name)
        kept = known or name
        return replace(self, roles={**self.roles, kept: Role(kept, granted(privileges))})

    def without_role(self, name: str) -> Book:
        """Without a role; raises `UnknownName`, `BuiltIn`, `RoleInUse`."""
        gone = self.role(name).name
        if gone == ADMINISTRATORS:
            raise BuiltIn(gone)
        users = tuple(account.name for account in self.accounts.values() if gone in account.roles)
        if users:
            raise RoleInUse(gone, users)
        return replace(self, roles={key: role for key, role in self.roles.items() if key != gone})

    def with_token(self, token: Token) -> Book:
        """With one token more; raises `NameTaken`, `UnknownName` for its owner, `InvalidValue`."""
        checked_name("token", token.name)
        if any(token.name.lower() == other.name.lower() for other in self.tokens.values()):
            raise NameTaken("token", token.name)
        owner = self.account(token.owner).name if token.owner else ""
        made = replace(token, owner=owner, privileges=granted(token.privileges))
        return replace(self, tokens={**self.tokens, token.id: made})

    def without_token(self, token_id: str) -> Book:
        """Without a token."""
        return replace(self, tokens={key: token for key, token in self.tokens.items() if key != token_id})

    @property
    def administered(self) -> bool:
        """Whether there is somebody who may administer."""
        return any(Privilege.ADMINISTER in self.privileges_of(account) for account in self.accounts.values())


def checked_name(what: str, name: str) -> str:
    """The name, where it can be one.

    Raises:
        InvalidValue: It cannot.
    """
    if not _NAME.fullmatch(name):
        raise InvalidValue(what, "is not a name", _NAME_ALLOWED)
    return name


def granted(privileges: Iterable[Privilege]) -> frozenset[Privilege]:
    """What a role or token may be given.

    Raises:
        InvalidValue: There is none, or one that cannot be given.
    """
    asked = frozenset(privileges)
    if not asked or not asked <= set(GRANTABLE):
        fault = "cannot be given alone; Role_ocadm has it" if asked else "is missing"
        raise InvalidValue("privilege", fault, f"one or more of {', '.join(GRANTABLE)}")
    return asked


def _administered(before: Book, after: Book, name: str) -> Book:
    """The book after a change of an account, unless it was the last that may administer."""
    if before.administered and not after.administered:
        raise LastAdministrator(name)
    return after
