"""Accounts, roles and tokens as an administrator keeps them.

Every change writes its row of the audit in the same step. `by` is who changes and `source` from where, as the
audit shows them. Whether they may is for the door to ask, with `Doorkeeper.demand`.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import redis

from settings_store.access import password
from settings_store.access.book import Account, Book, Token
from settings_store.access.kept_book import KeptBook, Told
from settings_store.access.privilege import Privilege
from settings_store.access.token_text import new_token
from settings_store.access.tries import Tries
from settings_store.audit import Audit
from settings_store.errors import InvalidValue

_SECONDS_A_DAY: Final = 86_400


class Access:
    """Keeps who may do what in one installation; threads may share it.

    Every method raises `redis.RedisError` where Redis does not answer.

    Args:
        redis: A client with `decode_responses`.
        prefix: First part of every key in Redis.
    """

    def __init__(self, redis: redis.Redis, *, prefix: str = "notify") -> None:
        self.kept = KeptBook(redis, prefix)
        self.tries = Tries(redis, prefix)
        self.audit = Audit(redis, prefix=prefix)

    def book(self) -> Book:
        """Every account, role and token as it now is.

        Raises:
            DamagedSettings: What Redis holds was not written by us.
        """
        return self.kept.read()[0]

    def last_used(self) -> dict[str, datetime]:
        """When accounts (`account:anna`) and tokens (`token:<id>`) were last used."""
        return self.kept.last_used()

    def add_account(
        self,
        name: str,
        given: str,
        roles: Iterable[str],
        *,
        by: str,
        source: str = "",
        must_change: bool = False,
    ) -> None:
        """Make an account.

        Args:
            name: Its name; capitals do not count.
            given: Its password.
            roles: Its roles.
            by: Who makes it.
            source: From where.
            must_change: Whether the password is to be replaced at the first sign-in.

        Raises:
            InvalidValue: The name or password is not allowed, or there is no role.
            NameTaken: There is such an account.
            UnknownName: There is no such role.
        """
        lowered, kept = name.lower(), tuple(roles)
        hash_ = password.hashed(given, account=lowered)

        def edit(book: Book, now: datetime) -> Book:
            account = Account(lowered, kept, hash_, secrets.token_hex(8), now, by, must_change=must_change)
            return book.with_new_account(account)

        self.kept.change(edit, Told(by, source, "account.add", lowered, {"roles": kept}))

    def set_password(
        self, name: str, given: str, *, by: str, source: str = "", must_change: bool = False
    ) -> None:
        """Give an account another password; its sessions are over, and its failed tries forgotten.

        Raises:
            InvalidValue: The password is not allowed.
            UnknownName: There is no such account.
        """
        known = self.book().account(name).name
        hash_ = password.hashed(given, account=known)
        credential = secrets.token_hex(8)

        def edit(book: Book, _: datetime) -> Book:
            account = book.account(known)
            return book.with_account(
                replace(account, password=hash_, credential=credential, must_change=must_change)
            )

        self.kept.change(edit, Told(by, source, "account.set_password", known))
        self.tries.forget(known)

    def set_roles(self, name: str, roles: Iterable[str], *, by: str, source: str = "") -> None:
        """Give an account other roles; they hold at once.

        Raises:
            InvalidValue: There is no role among them.
            LastAdministrator: Nobody else may administer.
            UnknownName: There is no such account or role.
        """
        before, kept = self.book().account(name), tuple(roles)
        detail = {"before": before.roles, "after": kept}
        self.kept.change(
            lambda book, _: book.with_account(replace(book.account(name), roles=kept)),
            Told(by, source, "account.set_role", before.name, detail),
        )

    def set_disabled(self, name: str, *, disabled: bool, by: str, source: str = "") -> None:
        """Refuse an account's sign-ins, and end its sessions and tokens at once; or let it in again.

        Raises:
            LastAdministrator: Nobody else may administer.
            UnknownName: There is no such account.
        """
        action = "account.disable" if disabled else "account.enable"
        self.kept.change(
            lambda book, _: book.with_account(replace(book.account(name), disabled=disabled)),
            Told(by, source, action, name.lower()),
        )

    def unlock(self, name: str, *, by: str, source: str = "") -> bool:
        """Let an account with too many failed sign-ins be tried again at once; whether there were any.

        Raises:
            UnknownName: There is no such account.
        """
        known = self.book().account(name).name
        forgotten = self.tries.forget(known)
        self.audit.record(by, "account.unlock", known, source=source)
        return forgotten

    def remove_account(self, name: str, *, by: str, source: str = "") -> None:
        """Take an account away, with the tokens that it owns.

        Raises:
            LastAdministrator: Nobody else may administer.
            UnknownName: There is no such account.
        """
        self.kept.change(
            lambda book, _: book.without_account(name), Told(by, source, "account.remove", name.lower())
        )
        self.kept.forget_use(f"account:{name.lower()}")

    def set_role(
        self, name: str, privileges: Iterable[Privilege], *, new: bool, by: str, source: str = ""
    ) -> None:
        """Make a role, or change what it holds; accounts that have it hold it at once.

        Raises:
            BuiltIn: It is `Role_ocadm`.
            InvalidValue: The name is none, or a privilege is missing or cannot be given.
            NameTaken: It should be new, and there is such a role.
            UnknownName: It should not be new, and there is none.
        """
        held = tuple(privileges)
        told = Told(by, source, "role.add" if new else "role.set", name, {"privileges": sorted(held)})
        self.kept.change(lambda book, _: book.with_role(name, held, new=new), told)

    def remove_role(self, name: str, *, by: str, source: str = "") -> None:
        """Take a role away.

        Raises:
            BuiltIn: It is `Role_ocadm`.
            RoleInUse: Accounts have it.
            UnknownName: There is no such role.
        """
        self.kept.change(lambda book, _: book.without_role(name), Told(by, source, "role.remove", name))

    def create_token(
        self,
        name: str,
        privileges: Iterable[Privilege],
        *,
        lifetime: timedelta | None,
        by: str,
        source: str = "",
        owner: str = "",
    ) -> str:
        """A new token; it is returned this once, and can never be shown again.

        Args:
            name: What it is for.
            privileges: Its scope.
            lifetime: For how long it is valid; None for ever.
            by: Who makes it.
            source: From where.
            owner: The account whose privileges bound the scope, and with which it goes; blank: none.

        Raises:
            InvalidValue: The name is none, a privilege is missing or cannot be given, or the life is over.
            NameTaken: There is such a token.
            UnknownName: There is no such owner.
        """
        if lifetime is not None and lifetime <= timedelta():
            raise InvalidValue("expires", "is not in the future", "a time to come, or never")
        text, parts = new_token()
        held = frozenset(privileges)

        def edit(book: Book, now: datetime) -> Book:
            expires_at = now + lifetime if lifetime is not None else None
            return book.with_token(Token(parts.id, name, parts.digest, held, now, by, expires_at, owner))

        detail = {
            "id": parts.id,
            "privileges": sorted(held),
            "lifetime": "for ever" if lifetime is None else _days(lifetime),
            "owner": owner,
        }
        self.kept.change(edit, Told(by, source, "token.create", name, detail))
        return text

    def revoke_token(self, name: str, *, by: str, source: str = "") -> str:
        """Refuse a token, named by its name or id, from now on; its name.

        Raises:
            UnknownName: There is no such token.
        """
        token = self.book().token(name)
        # By its id: a repeat must not take away another one that was given the same name meanwhile.
        self.kept.change(
            lambda book, _: book.without_token(token.id),
            Told(by, source, "token.revoke", token.name, {"id": token.id}),
        )
        self.kept.forget_use(f"token:{token.id}")
        return token.name


def _days(lifetime: timedelta) -> str:
    return f"{lifetime.total_seconds() / _SECONDS_A_DAY:.3g} days"
