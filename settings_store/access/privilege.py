"""What somebody may do: privileges, who holds them, and the one question every door asks."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal


class Privilege(enum.StrEnum):
    """A right; roles and tokens are named sets of them."""

    MAINTAIN_SERVER_OPTIONS = "maintain_server_options"
    VIEW_SERVER_OPTIONS = "view_server_options"
    VIEW_NOTIFICATIONS = "view_notifications"
    MANAGE_NOTIFICATIONS = "manage_notifications"
    #: Accounts, roles, tokens, keys and the audit. Only `Role_ocadm` has it: nobody can be given it alone.
    ADMINISTER = "administer"

    @property
    def label(self) -> str:
        """Its name on a page: `Maintain server options`."""
        return self.value.replace("_", " ").capitalize()


#: What a role or a token may be given.
GRANTABLE: Final = tuple(each for each in Privilege if each is not Privilege.ADMINISTER)
#: What each privilege lets somebody do.
MEANING: Final[Mapping[Privilege, str]] = MappingProxyType(
    {
        Privilege.MAINTAIN_SERVER_OPTIONS: "change options; test and pause servers; see both",
        Privilege.VIEW_SERVER_OPTIONS: "see options, history, route and servers; no secret",
        Privilege.VIEW_NOTIFICATIONS: "see notifications, recipients and timelines",
        Privilege.MANAGE_NOTIFICATIONS: "send, cancel and replay notifications; see them",
        Privilege.ADMINISTER: "accounts, roles, tokens, keys and the audit",
    }
)
_INCLUDES: Final[Mapping[Privilege, Privilege]] = MappingProxyType(
    {
        Privilege.MAINTAIN_SERVER_OPTIONS: Privilege.VIEW_SERVER_OPTIONS,
        Privilege.MANAGE_NOTIFICATIONS: Privilege.VIEW_NOTIFICATIONS,
    }
)

PrincipalKind = Literal["account", "token", "os_user"]


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody who has proved who they are, with what they may do at this moment.

    Attributes:
        kind: What proved it: a password, a token, or the operating system.
        name: As the audit shows it: `anna`, `token:reports`, `root@batch1`.
        privileges: What they hold, included ones too.
        credential: Changes with the password; a session that remembers another one is over.
        must_change_password: Whether the password was made for them and is to be replaced first.
    """

    kind: PrincipalKind
    name: str
    privileges: frozenset[Privilege]
    credential: str = ""
    must_change_password: bool = False


def may(principal: Principal, privilege: Privilege) -> bool:
    """Whether somebody may do what needs this privilege."""
    return privilege in principal.privileges


def with_included(privileges: Iterable[Privilege]) -> frozenset[Privilege]:
    """These privileges and those that they include."""
    held = frozenset(privileges)
    return held | {_INCLUDES[each] for each in held if each in _INCLUDES}


def os_user(name: str) -> Principal:
    """Who uses the command line on a host: who reaches Redis and the key file may do everything.

    Args:
        name: `user@host`.
    """
    return Principal("os_user", name, frozenset(Privilege))
