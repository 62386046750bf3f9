"""All options as data: the single source for store, command line, page, API and docs.

`OPTIONS` are the 43 of the SMTP page, as groups times kinds, in the page's order. `OWN_OPTIONS` are our
additions, in groups of their own, so that anybody can count the 43.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from settings_store.errors import UnknownOption
from settings_store.kinds import Boolean, Guid, Integer, Kind, Secret, Text, Value
from settings_store.option import Option
from settings_store.own_options import OWN, OWN_GROUPS

#: Selects every option.
EVERYTHING = "all"

_PROPOSALS = 4
_LIKENESS = 0.5


class _Row(NamedTuple):
    """One kind of row, which each server's group repeats; braces stand for what differs between groups."""

    name: str
    label: str
    kind: Kind
    default: Value
    help: str


class _Block(NamedTuple):
    """One server's group and what its rows say differently.

    Attributes:
        place: The server's name in brackets after a row's name.
        what: What the server carries.
        name_help: What the server's name decides, and what a blank one means.
        port_label: The page calls the port by two names.
        name_refused: Characters that the server's name may not hold.
        attachments: Whether the group has the two attachment limits.
    """

    place: str
    what: str
    name_help: str
    port_label: str = "SMTP Server Port"
    name_refused: str = ""
    attachments: bool = True


_BLOCKS: Mapping[str, _Block] = {
    "primary_email": _Block(
        place="Primary Email",
        what="e-mail",
        name_help="Host name or address of the server that e-mail goes to first, without the port. "
        "Texts go by it too while no SMS server is set. "
        "While it is blank no e-mail is sent, even if the secondary is set: everything waits as held.",
        name_refused="'",
    ),
    "secondary_email": _Block(
        place="Secondary Email",
        what="e-mail",
        name_help="Host name or address of the server that is tried where Primary Email failed. "
        "Blank: there is no second try.",
    ),
    "primary_sms": _Block(
        place="Primary SMS",
        what="texts",
        name_help="Host name or address of the server that texts go to first. "
        "Once an SMS server is set, texts never go by the e-mail servers. "
        "Blank, and Secondary SMS blank too: texts go the way of e-mail.",
        port_label="SMTP Server Port Number",
        attachments=False,
    ),
    "secondary_sms": _Block(
        place="Secondary SMS",
        what="texts",
        name_help="Host name or address of the server that is tried where Primary SMS failed. "
        "Set alone, it carries every text. Blank: there is no second try.",
        port_label="SMTP Server Port Number",
        attachments=False,
    ),
}

_GENERAL = (
    _Row(
        "jors_attachment_timeout",
        "JORS Attachment Timeout",
        Integer(60, 3600, "seconds"),
        120,
        "How long to wait for job output that a notification asks for as an attachment. "
        "When the time is over the mail goes without it and says so.",
    ),
    _Row(
        "unc_user",
        "Authentication User (UNC Access)",
        Text(refused="'"),
        "",
        "Windows account that reads attachments on network shares, as DOMAIN\\user or user@domain. "
        "It needs read access to every share a notification names, and no more.",
    ),
    _Row(
        "unc_password",
        "Authentication Encrypted Password (UNC Access)",
        Secret(encrypted_only=True, refused="'"),
        "",
        "Password of that account. Seal it with `notify encrypt` and paste what that prints.",
    ),
)

_PORT_HELP = (
    "TCP port of the server: 25 for a relay in the house, 587 for sending with STARTTLS, "
    "465 for TLS from the first byte. Enable SSL must fit it."
)
_ADDRESS_HELP = (
    "The From address of {what} sent by this server. Where a user signs in, the user's address is used; "
    "with OAuth this is the mailbox that sends. It is not checked; blank means noreply."
)
_USER_HELP = (
    "Mailbox or account that signs in to this server, and the sender of everything it sends. "
    "Blank: nobody signs in; a server that demands it will refuse, and we say so. Unused with OAuth."
)
_SIGN_IN_HELP = (
    "Password of that user. Seal it with `notify encrypt` and paste what that prints. Unused with OAuth."
)
_SSL_HELP = (
    "True: port 465 speaks TLS from the first byte, and any other port must offer STARTTLS, "
    "or nothing is sent. False: nothing is encrypted, a password neither."
)
_SIZE_HELP = (
    "Most megabytes of attachments in one mail by this server, as sent: encoding adds a third, "
    "and 1 MB is 1,048,576 bytes. Set what the server allows. 0: no attachments."
)
_NUMBER_HELP = "Most attachments in one mail by this server. Set what the server allows. 0: no attachments."
_APPLICATION_HELP = (
    "Application (client) ID of the app registration that signs in to Microsoft 365. "
    "OAuth is on once application ID, client secret and tenant ID are all set."
)
_RENEWAL_HELP = (
    "Client secret of that app registration, given plain or sealed by `notify encrypt`. "
    "It expires at Microsoft and must be renewed before that day."
)
_TENANT_HELP = "Directory (tenant) ID of your organization at Microsoft."


def _server_rows(block: _Block) -> tuple[_Row, ...]:
    """The rows of one server's group, in the page's order."""
    attachments = (
        _Row(
            "total_attachment_size_mb",
            "SMTP Total Attachment Size in MB",
            Integer(0, 99, "MB"),
            10,
            _SIZE_HELP,
        ),
        _Row("maximum_attachments", "SMTP Maximum Number of Attachments", Integer(0, 999), 50, _NUMBER_HELP),
    )
    return (
        _Row("server_name", "SMTP Server Name", Text(refused=block.name_refused), "", block.name_help),
        _Row("server_port", block.port_label, Integer(1, 65535), 25, _PORT_HELP),
        _Row(
            "notification_address", "SMTP Notification Address", Text(), "noreply@mycorp.com", _ADDRESS_HELP
        ),
        _Row("authentication_user", "SMTP Authentication User", Text(), "", _USER_HELP),
        _Row(
            "authentication_password",
            "SMTP Authentication Encrypted Password",
            Secret(encrypted_only=True),
            "",
            _SIGN_IN_HELP,
        ),
        _Row("enable_ssl", "SMTP Authentication -Enable SSL", Boolean(), default=False, help=_SSL_HELP),
        *(attachments if block.attachments else ()),
        _Row("application_id", "SMTP Application ID", Guid(), "", _APPLICATION_HELP),
        _Row(
            "client_secret",
            "SMTP Client Secret",
            Secret(encrypted_only=False, page_valid="secret string"),
            "",
            _RENEWAL_HELP,
        ),
        _Row("tenant_id", "SMTP Tenant ID", Guid(), "", _TENANT_HELP),
    )


def _server_options() -> dict[str, Option]:
    options = [Option(f"general.{row.name}", row.label, row.kind, row.default, row.help) for row in _GENERAL]
    for group, block in _BLOCKS.items():
        options += [
            Option(
                f"{group}.{row.name}",
                f"{row.label} ({block.place})",
                row.kind,
                row.default,
                row.help.format(what=block.what),
            )
            for row in _server_rows(block)
        ]
    return {option.key: option for option in options}


#: The 43 of the page, in its order.
OPTIONS: Mapping[str, Option] = MappingProxyType(_server_options())
#: Our additions.
OWN_OPTIONS: Mapping[str, Option] = MappingProxyType({option.key: option for option in OWN})
#: Both, the page's first.
ALL_OPTIONS: Mapping[str, Option] = MappingProxyType({**OPTIONS, **OWN_OPTIONS})
#: Each group and its title, in the order of the options.
GROUPS: Mapping[str, str] = MappingProxyType(
    {"general": "General", **{group: block.place for group, block in _BLOCKS.items()}, **OWN_GROUPS}
)


def find(key: str) -> Option:
    """The option of that name.

    Raises:
        UnknownOption: There is none; the nearest names are proposed.
    """
    option = ALL_OPTIONS.get(key)
    if option is None:
        raise UnknownOption(key, nearest(key, ALL_OPTIONS))
    return option


def nearest(name: str, known: Mapping[str, object]) -> tuple[str, ...]:
    """Up to four known names that look like the one given, best first."""
    asked = name.strip().lower()
    same_ending = [key for key in known if key.partition(".")[2] == asked]
    return tuple(same_ending or difflib.get_close_matches(asked, known, n=_PROPOSALS, cutoff=_LIKENESS))


def selected(name: str) -> tuple[str, ...]:
    """The options that a name means: an option, a group, or `all`.

    Raises:
        UnknownOption: It is none of them.
    """
    if name == EVERYTHING:
        return tuple(ALL_OPTIONS)
    if name in GROUPS:
        return tuple(key for key, option in ALL_OPTIONS.items() if option.group == name)
    if name not in ALL_OPTIONS:
        raise UnknownOption(name, nearest(name, {**ALL_OPTIONS, **GROUPS, EVERYTHING: ""}))
    return (name,)
