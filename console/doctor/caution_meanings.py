"""What each caution means to an operator: how bad it is, why it matters, and what to type."""

from __future__ import annotations

from typing import Final, NamedTuple

from console.doctor.finding import Level


class Meaning(NamedTuple):
    """What a caution means: a part of its sentence, how bad it is, why, and what to type.

    {group} in what to type is the server's group.
    """

    part: str
    level: Level
    why: str
    fix: str


_NO_FILES: Final = "mails go without their files from network shares, and say so"
_NO_OUTPUT: Final = "mails go without the job output that they ask for, and say so"
_SET: Final = "`notify options set {group}.%s --reason TEXT`"

NO_SECOND: Final = "so there is no second try"

MEANINGS: Final = (
    Meaning(
        "(UNC Access) is set without a password",
        "warn",
        _NO_FILES,
        "`notify encrypt`, then `notify options set general.unc_password=enc:... --reason TEXT`",
    ),
    Meaning(
        "without an Authentication User (UNC Access)",
        "warn",
        _NO_FILES,
        "`notify options set general.unc_user=USER --reason TEXT`",
    ),
    Meaning("no host is allowed", "warn", _NO_FILES, "`notify share allow HOST --reason TEXT`"),
    Meaning(
        "hosts are allowed, but",
        "warn",
        _NO_FILES,
        "`notify encrypt`, then `notify options set general.unc_user=USER general.unc_password=enc:... "
        "--reason TEXT`",
    ),
    Meaning(
        "a sign-in is set without an address",
        "warn",
        _NO_OUTPUT,
        "`notify options set jors.api_address=https://HOST:PORT/api --reason TEXT`",
    ),
    Meaning(
        "neither a user nor a token",
        "warn",
        _NO_OUTPUT,
        "`notify options set jors.api_token=- --reason TEXT`",
    ),
    Meaning(
        "a user is set without a password",
        "warn",
        _NO_OUTPUT,
        "`notify options set jors.api_password=- --reason TEXT`",
    ),
    Meaning(
        "password and output go over the network unencrypted",
        "warn",
        "whoever can listen on the way has password and output",
        "`notify options set jors.api_address=https://HOST:PORT/api --reason TEXT`",
    ),
    Meaning(
        "any certificate is taken",
        "warn",
        "a stranger can pass for the scheduler",
        "`notify options set jors.verify_certificate=True jors.ca_bundle=FILE --reason TEXT`",
    ),
    Meaning(
        "so these texts go by the e-mail servers",
        "warn",
        "who is to be told while no mail goes out is told nothing",
        "`notify options set primary_sms.server_name=HOST --reason TEXT`",
    ),
    Meaning(
        "OAuth is incomplete",
        "warn",
        "the server is signed in to otherwise, or not at all, and may refuse everything",
        "set what is missing, or clear the rest: `notify options list --group {group}`",
    ),
    Meaning(
        "OAuth signs in to the mailbox",
        "error",
        "no mailbox of that name will be yours, so the token is refused",
        _SET % "notification_address=MAILBOX",
    ),
    Meaning(
        "without a password",
        "error",
        "the sign-in is refused, and the server passed over",
        "`notify encrypt`, then " + _SET % "authentication_password=enc:...",
    ),
    Meaning(
        "without an Authentication User",
        "warn",
        "a server that demands a sign-in refuses everything",
        _SET % "authentication_user=USER",
    ),
    Meaning(
        "goes over the network unencrypted",
        "warn",
        "whoever can listen on the way has user and password",
        _SET % "enable_ssl=True {group}.server_port=587",
    ),
    Meaning(
        "has a port in it",
        "error",
        "no such name is found, so nothing is sent by this server",
        _SET % "server_name=HOST {group}.server_port=PORT",
    ),
    Meaning(
        "with port 25",
        "warn",
        "where STARTTLS is not offered nothing is sent: it is never sent unencrypted instead",
        "`notify server test {group}`, and " + _SET % "server_port=587",
    ),
    Meaning(
        "port 465 speaks TLS from the first byte",
        "error",
        "the server waits for TLS and never greets, so each try ends in a time-out",
        _SET % "enable_ssl=True",
    ),
    Meaning(
        "but Primary Email is blank",
        "error",
        "every e-mail is held until it expires",
        "`notify options set primary_email.server_name=HOST --reason TEXT`",
    ),
    Meaning(
        NO_SECOND,
        "warn",
        "while that server is down nothing goes out",
        "name another server, or none: " + _SET % "server_name=",
    ),
)
_OTHERWISE: Final = Meaning(
    "", "warn", "these options do not fit together", "`notify options list --group {group}`"
)


def meaning_of(caution: str) -> Meaning:
    """The first of them that the sentence holds; the more special stand before the more general."""
    return next((each for each in MEANINGS if each.part in caution), _OTHERWISE)
