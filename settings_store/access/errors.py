"""What can go wrong around accounts, roles, tokens and sign-ins; part of the tree of `settings_store.errors`.

    AccessFault (SettingsError)
    ├── UnknownName          there is no account, role or token of that name
    ├── NameTaken            there is one already
    ├── RoleInUse            an account still has the role
    ├── LastAdministrator    nobody would be left who may administer
    ├── BuiltIn              `Role_ocadm` cannot be changed
    ├── NotPermitted         the privilege is missing
    ├── SignInRefused        the name, password or token is not valid
    └── SignInLocked         too many tries; it says how long to wait

A name, password or setting that is not allowed is an `InvalidValue`, as for options.
None of these holds a password or a token.
"""

from __future__ import annotations

from settings_store.errors import SettingsError


class AccessFault(SettingsError):
    """Base of everything around accounts, roles, tokens and sign-ins."""


class UnknownName(AccessFault):
    """There is no account, role or token of that name.

    Attributes:
        what: `account`, `role` or `token`.
        name: The name that was asked for.
    """

    def __init__(self, what: str, name: str) -> None:
        super().__init__(what, name)
        self.what = what
        self.name = name

    def __str__(self) -> str:
        return f"{self.name}: there is no such {self.what}"


class NameTaken(AccessFault):
    """There is an account, role or token of that name already."""

    def __init__(self, what: str, name: str) -> None:
        super().__init__(what, name)
        self.what = what
        self.name = name

    def __str__(self) -> str:
        return f"{self.name}: there is such {'an' if self.what[0] in 'aeiou' else 'a'} {self.what} already"


class RoleInUse(AccessFault):
    """Accounts still have the role."""

    def __init__(self, role: str, accounts: tuple[str, ...]) -> None:
        super().__init__(role, accounts)
        self.role = role
        self.accounts = accounts

    def __str__(self) -> str:
        return f"{self.role}: still the role of {', '.join(self.accounts)}; give them another first"


class LastAdministrator(AccessFault):
    """Nobody would be left who may administer."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        return (
            f"{self.name}: is the last account with Role_ocadm that is not disabled; make another one first"
        )


class BuiltIn(AccessFault):
    """A role that comes with the program cannot be changed or removed."""

    def __init__(self, role: str) -> None:
        super().__init__(role)
        self.role = role

    def __str__(self) -> str:
        return f"{self.role}: is built in and holds everything; it cannot be changed or removed"


class NotPermitted(AccessFault):
    """Somebody lacks the privilege for what they asked.

    Attributes:
        privilege: The title of what is missing.
    """

    def __init__(self, name: str, privilege: str) -> None:
        super().__init__(name, privilege)
        self.name = name
        self.privilege = privilege

    def __str__(self) -> str:
        return f"{self.name}: not allowed; it needs the privilege {self.privilege}"


class SignInRefused(AccessFault):
    """The name and password, or the token, are not valid; it does not tell which of them, nor why."""

    def __init__(self, what: str = "name or password") -> None:
        super().__init__(what)
        self.what = what

    def __str__(self) -> str:
        return f"{self.what} is not valid"


class SignInLocked(AccessFault):
    """Too many sign-ins failed; the next one is looked at after a while.

    Attributes:
        wait_seconds: How long.
    """

    def __init__(self, wait_seconds: float) -> None:
        super().__init__(wait_seconds)
        self.wait_seconds = wait_seconds

    def __str__(self) -> str:
        return f"too many sign-ins failed; try again in {self.wait_seconds:.0f} s"
