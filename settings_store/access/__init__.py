"""Who may do what: accounts with passwords, roles, API tokens, and sign-ins that cannot be guessed.

`Access` keeps them, `Doorkeeper` lets people in; what they decide is decided by values: `Book`, `may`.
"""

from settings_store.access.access import Access
from settings_store.access.book import ADMINISTRATORS, Account, Book, Role, Token
from settings_store.access.doorkeeper import Doorkeeper
from settings_store.access.errors import (
    AccessFault,
    BuiltIn,
    LastAdministrator,
    NameTaken,
    NotPermitted,
    RoleInUse,
    SignInLocked,
    SignInRefused,
    UnknownName,
)
from settings_store.access.first_administrator import first_administrator
from settings_store.access.privilege import GRANTABLE, MEANING, Principal, Privilege, may, os_user

__all__ = [
    "ADMINISTRATORS",
    "GRANTABLE",
    "MEANING",
    "Access",
    "AccessFault",
    "Account",
    "Book",
    "BuiltIn",
    "Doorkeeper",
    "LastAdministrator",
    "NameTaken",
    "NotPermitted",
    "Principal",
    "Privilege",
    "Role",
    "RoleInUse",
    "SignInLocked",
    "SignInRefused",
    "Token",
    "UnknownName",
    "first_administrator",
    "may",
    "os_user",
]
