"""The names under which OpCon knows an option: on its pages, in older ones, and in its database."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from settings_store.catalog import ALL_OPTIONS, GROUPS, OPTIONS
from settings_store.server_group import SERVERS

#: Other names of a row, before the server's name in brackets.
_OTHER_LABELS: Final[Mapping[str, tuple[str, ...]]] = {
    "server_port": ("SMTP Server Port", "SMTP Server Port Number"),
    "notification_address": ("SMTP Notification Email Address", "Notification Email Address"),
    "enable_ssl": ("SMTP Authentication - Enable SSL",),
    "application_id": ("SMTP Application (client) ID", "SMTP Application (customer) ID"),
}
#: Rows of the Notifications tab that have an option of ours.
_NOTIFICATIONS_TAB: Final = {
    "Include Labels in Notifications": "text.labels",
    "Include Machine Name in Notifications": "text.machine_name",
    "Notification Delimiter": "text.delimiter",
    "Days to Keep Notification History": "text.history_days",
}
#: Keys of the table OPCON_CONFIG that are known from the vendor's scripts; the first server's may lack its 1.
_DATABASE_KEYS: Final = {
    "SMTPSERVER": "server_name",
    "SMTPAPPID": "application_id",
    "SMTPSECRET": "client_secret",
    "SMTPTENANTID": "tenant_id",
}


def option_of(name: str) -> str | None:
    """The option that a name in a file means, or None; case, spacing and our own names are all right."""
    return _KEYS.get(_plain(name))


def _plain(name: str) -> str:
    """A name as it is compared: small letters and single blanks, none around a hyphen or a bracket."""
    return re.sub(r"\s*([-()])\s*", r"\1", " ".join(name.split())).casefold()


def _every_name() -> dict[str, str]:
    names = {key: key for key in ALL_OPTIONS}
    names |= {option.label: key for key, option in OPTIONS.items()}
    names |= _NOTIFICATIONS_TAB
    for number, group in enumerate(SERVERS, start=1):
        for name, labels in _OTHER_LABELS.items():
            names |= {f"{label} ({GROUPS[group]})": f"{group}.{name}" for label in labels}
        for database_key, name in _DATABASE_KEYS.items():
            names[f"{database_key}{number}"] = f"{group}.{name}"
            if number == 1:
                names[database_key] = f"{group}.{name}"
    return {_plain(name): key for name, key in names.items()}


_KEYS: Final = MappingProxyType(_every_name())
