"""What is allowed option by option and yet wrong together: told after saving, never refused.

An administrator sets one option at a time, so a state on the way must be allowed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from settings_store.catalog import ALL_OPTIONS, GROUPS
from settings_store.jors_cautions import jors_cautions
from settings_store.secret_expiry import left_behind
from settings_store.server_group import (
    IMPLICIT_TLS_PORT,
    SERVERS,
    oauth_complete,
    oauth_incomplete,
    oauth_missing,
)
from settings_store.snapshot import MIRRORS, Snapshot

RELAY_PORT = 25

#: `host:25` and `[::1]:25`; a bare IPv6 address has several colons and no brackets.
_NAME_WITH_PORT = re.compile(r"\s*([^:\[\]]+|\[[^\]]+\]):[0-9]+\s*")


def cautions(snapshot: Snapshot, touched: Iterable[str] = ()) -> tuple[str, ...]:
    """Sentences on what will not work as it stands, each beginning with the group's title.

    Args:
        snapshot: The options to judge.
        touched: Options that were just set; some cautions are about having set them in vain.
    """
    found: list[str] = []
    for group in SERVERS:
        if not _is_mirrored(snapshot, group):
            found += (f"{GROUPS[group]}: {sentence}" for sentence in _server(snapshot, group))
    for secondary, (_, primary) in MIRRORS.items():
        found += (f"{GROUPS[secondary]}: {sentence}" for sentence in _pair(snapshot, primary, secondary))
    found += jors_cautions(snapshot)
    touched = tuple(touched)
    found += (f"Network shares: {sentence}" for sentence in _shares(snapshot))
    found += _texts_with_the_mail(snapshot)
    found += _no_server(snapshot, touched)
    found += _in_vain(snapshot, touched)
    found += _left_behind(snapshot, touched)
    return tuple(found)


def _texts_with_the_mail(snapshot: Snapshot) -> Iterator[str]:
    """Texts that are meant to come through where mail does not, and would wait with it."""
    if any(snapshot.is_set(f"{group}.server_name") for group in ("primary_sms", "secondary_sms")):
        return
    for key in ("escalation.text_to", "notices.text_to"):
        if snapshot.is_set(key):
            group, label = key.partition(".")[0], ALL_OPTIONS[key].label
            yield (
                f"{GROUPS[group]}: {label} is set while no SMS server is, "
                "so these texts go by the e-mail servers and wait where mail waits"
            )


def _shares(snapshot: Snapshot) -> Iterator[str]:
    """What keeps files on network shares from being read, though somebody meant them to be."""
    user = snapshot.is_set("general.unc_user")
    password = snapshot.is_set("general.unc_password")
    hosts = snapshot.is_set("unc.allowed_hosts")
    if user and not password:
        yield "an Authentication User (UNC Access) is set without a password"
    if password and not user:
        yield "a password is set without an Authentication User (UNC Access), so nothing is read"
    if user and password and not hosts:
        yield "no host is allowed, so nothing is read: `notify share allow HOST`"
    if hosts and not user and not password:
        yield "hosts are allowed, but Authentication User (UNC Access) is blank, so nothing is read"


def _server(snapshot: Snapshot, group: str) -> Iterator[str]:
    """What is wrong inside one server's group."""
    yield from _connection(snapshot, group)
    user = snapshot.is_set(f"{group}.authentication_user")
    password = snapshot.is_set(f"{group}.authentication_password")
    oauth = oauth_complete(snapshot, group)
    if oauth_incomplete(snapshot, group):
        missing = " and ".join(oauth_missing(snapshot, group))
        yield f"OAuth is incomplete, so it is not used: {missing} missing"
    if oauth and snapshot.get(f"{group}.notification_address") in {
        "",
        ALL_OPTIONS[f"{group}.notification_address"].default,
    }:
        yield "OAuth signs in to the mailbox in Notification Address, which is still blank or the default"
    if not oauth and user and not password:
        yield "an Authentication User is set without a password"
    if not oauth and password and not user:
        yield "a password is set without an Authentication User, so nobody signs in"
    if (user or oauth) and not snapshot.flag(f"{group}.enable_ssl"):
        yield "the sign-in goes over the network unencrypted while Enable SSL is False"


def _connection(snapshot: Snapshot, group: str) -> Iterator[str]:
    """What is at odds in a server's name, port and TLS."""
    port = snapshot.number(f"{group}.server_port")
    ssl = snapshot.flag(f"{group}.enable_ssl")
    if _NAME_WITH_PORT.fullmatch(snapshot.text(f"{group}.server_name")):
        yield "the server name has a port in it; the port belongs in SMTP Server Port"
    if ssl and port == RELAY_PORT:
        yield "Enable SSL is True with port 25, which seldom offers STARTTLS; ports with TLS are 587 and 465"
    if not ssl and port == IMPLICIT_TLS_PORT:
        yield "port 465 speaks TLS from the first byte, but Enable SSL is False"


def _pair(snapshot: Snapshot, primary: str, secondary: str) -> Iterator[str]:
    """What is wrong between a primary and its secondary."""
    if not snapshot.is_set(f"{secondary}.server_name"):
        return
    if not snapshot.is_set(f"{primary}.server_name"):
        if primary == "primary_email":
            yield "it is set, but Primary Email is blank: no e-mail is sent, as it is only tried after that"
    elif _peer(snapshot, primary) == _peer(snapshot, secondary):
        yield f"it is the same server as {GROUPS[primary]}, so there is no second try"


def _peer(snapshot: Snapshot, group: str) -> tuple[object, ...]:
    """What makes two groups the same server under the same account."""
    oauth = oauth_complete(snapshot, group)
    account = "notification_address" if oauth else "authentication_user"
    return (
        snapshot.text(f"{group}.server_name").strip().lower(),
        snapshot.number(f"{group}.server_port"),
        snapshot.flag(f"{group}.enable_ssl"),
        oauth,
        snapshot.text(f"{group}.{account}").strip().lower(),
    )


def _no_server(snapshot: Snapshot, touched: Iterable[str]) -> Iterator[str]:
    """What a primary e-mail server left blank keeps back; a secondary beside it is told of by its pair."""
    if "primary_email.server_name" not in touched or any(
        snapshot.is_set(f"{group}.server_name") for group in ("primary_email", "secondary_email")
    ):
        return
    texts = any(snapshot.is_set(f"{group}.server_name") for group in ("primary_sms", "secondary_sms"))
    held = "e-mail is held" if texts else "e-mail and texts are held"
    yield f"{GROUPS['primary_email']}: SMTP Server Name is blank: {held} until it is set"


def _in_vain(snapshot: Snapshot, touched: Iterable[str]) -> Iterator[str]:
    """What was set for a secondary while the mirror hides it."""
    for group in MIRRORS:
        hidden = [key for key in touched if key.startswith(f"{group}.")]
        if hidden and _is_mirrored(snapshot, group):
            flag, _ = MIRRORS[group]
            yield f"{GROUPS[group]}: saved, but without effect while {flag} is on: {', '.join(hidden)}"


def _left_behind(snapshot: Snapshot, touched: Iterable[str]) -> Iterator[str]:
    """Secrets that were renewed without their last day, which would then be warned of in vain."""
    for secret, day in left_behind(touched):
        last_day = snapshot.text(day)
        if last_day and snapshot.is_set(secret):
            title = GROUPS[ALL_OPTIONS[secret].group]
            yield (
                f"{title}: {secret} was set, but its last day in {day} is still that of the one before: "
                f"{last_day}"
            )


def _is_mirrored(snapshot: Snapshot, group: str) -> bool:
    return group in MIRRORS and snapshot.flag(MIRRORS[group][0])
