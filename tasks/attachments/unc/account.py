r"""The Windows account that shares are read as: `DOMAIN\user`, `user@domain`, or the server's own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from settings_store.snapshot import Snapshot

USER: Final = "general.unc_user"
PASSWORD: Final = "general.unc_password"  # noqa: S105  # the option's name


class NoAccount(Exception):
    """Nobody can be signed in; the message says what is missing or wrong, and never the value."""


@dataclass(frozen=True, slots=True)
class Account:
    r"""Who signs in.

    Attributes:
        user: The name as SMB takes it: `DOMAIN\user`, `user@domain` or `user`.
        seal: The mark of the sealed password, which tells passwords apart without opening them.
        password: What opens it, at the moment of use.
    """

    user: str
    seal: str = field(repr=False)
    password: Callable[[], str] = field(repr=False, compare=False)


def account_of(options: Snapshot) -> Account:
    """The account of the options.

    Raises:
        NoAccount: The options hold none that can sign in.
    """
    if not options.is_set(USER):
        raise NoAccount(f"no account is set to read network shares with: {USER} is blank")
    if not options.is_set(PASSWORD):
        raise NoAccount(f"the account for network shares has no password: {PASSWORD} is blank")
    user = _folded(options.text(USER).strip())
    return Account(user, options.mark(PASSWORD), options.secret(PASSWORD))


def _folded(given: str) -> str:
    r"""The name as SMB takes it: `.\user` is Windows' way to write an account of the server itself."""
    domain, backslash, user = given.rpartition("\\")
    if not backslash:
        if given.startswith("@") or given.endswith("@"):
            raise NoAccount(f"{USER} is incomplete; allowed: DOMAIN\\user, user@domain or user")
        return given
    if not user or not domain or "\\" in domain or "@" in user:
        raise NoAccount(f"{USER} is neither DOMAIN\\user, user@domain nor user")
    return user if domain == "." else given
