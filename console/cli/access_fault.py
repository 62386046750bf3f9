"""What a fault around accounts, roles and tokens means at the terminal."""

from __future__ import annotations

from console.cli.errors import CommandError, Failed, NotAllowed, NothingMatched
from settings_store.access import (
    ADMINISTRATORS,
    AccessFault,
    LastAdministrator,
    NameTaken,
    NotPermitted,
    RoleInUse,
    UnknownName,
)


def access_fault(error: AccessFault) -> CommandError:
    """The fault with the next command and the exit code it ends with."""
    words = str(error)
    match error:
        case UnknownName():
            return NothingMatched(words, f"`notify {error.what} list` shows what there is")
        case NameTaken():
            return Failed(words, f"`notify {error.what} list` shows what there is")
        case NotPermitted():
            return NotAllowed(words)
        case LastAdministrator():
            return Failed(words, f"`notify account add NAME --role {ADMINISTRATORS}`")
        case RoleInUse():
            return Failed(words, f"`notify account set-role {error.accounts[0]} ROLE`")
    return Failed(words)
