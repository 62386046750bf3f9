"""The options: what is wrong together, and what a provider no longer takes.

What is warned of when options are saved is found here in the same words, with why it matters and what to
type.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from console.doctor.caution_meanings import NO_SECOND, meaning_of
from console.doctor.facts import Facts
from console.doctor.finding import Finding
from settings_store.catalog import ALL_OPTIONS, GROUPS
from settings_store.cautions import cautions
from settings_store.server_group import SERVERS, oauth_complete
from settings_store.snapshot import MIRRORS, Snapshot
from tasks.carrier_gateways import ENDED, domain_of

#: Hosts that take mail with a sign-in; `*.mail.protection.outlook.com` takes it without one.
_MICROSOFT: Final = ("office365.com", "smtp-mail.outlook.com", "smtp.outlook.com")
_MICROSOFT_MESSAGES: Final = 30
_MICROSOFT_CONNECTIONS: Final = 3


def option_findings(facts: Facts) -> Iterator[Finding]:
    """Cautions, Microsoft's dates and limits, sender and sign-in, carriers."""
    snapshot = facts.snapshot
    if snapshot is None:
        return
    found = [
        *_primary_blank(snapshot),
        *(_explained(sentence, snapshot) for sentence in cautions(snapshot)),
        *(finding for group in SERVERS for finding in _server(snapshot, group)),
        *_gateways(facts, snapshot),
    ]
    yield from found
    if not found:
        yield Finding("options", "ok", f"revision {snapshot.revision}: the options fit together")


def _primary_blank(snapshot: Snapshot) -> Iterator[Finding]:
    if snapshot.is_set("primary_email.server_name"):
        return
    texts = snapshot.is_set("primary_sms.server_name") or snapshot.is_set("secondary_sms.server_name")
    yield Finding(
        "options.primary_email",
        "warn" if texts else "error",
        "Primary Email server name is blank",
        "every e-mail is held until it expires" if texts else "everything is held until it expires",
        "`notify options set primary_email.server_name=HOST --reason TEXT`",
    )


def _explained(sentence: str, snapshot: Snapshot) -> Finding:
    title = sentence.partition(":")[0]
    group = next((group for group, name in GROUPS.items() if name == title), "general")
    meaning = meaning_of(sentence)
    fix = meaning.fix.format(group=group)
    if meaning.part == NO_SECOND and snapshot.flag(MIRRORS[group][0]):
        # What is set for the secondary itself has no effect until then.
        channel = MIRRORS[group][0].partition(".")[2]
        fix = f"`notify options mirror {channel} off --reason TEXT`, then {fix}"
    return Finding(f"options.{group}", meaning.level, sentence, meaning.why, fix)


def _server(snapshot: Snapshot, group: str) -> Iterator[Finding]:
    """What a provider says of one server, and who sends by it."""
    if not snapshot.is_set(f"{group}.server_name"):
        return
    host = snapshot.text(f"{group}.server_name").strip().lower().rstrip(".")
    user = snapshot.text(f"{group}.authentication_user").strip()
    oauth = oauth_complete(snapshot, group)
    if any(host == each or host.endswith(f".{each}") for each in _MICROSOFT):
        if user and not oauth:
            yield _basic_at_microsoft(group)
        yield from _microsoft_limits(snapshot, group)
    if user and not oauth:
        yield from _sender(snapshot, group, user)


def _basic_at_microsoft(group: str) -> Finding:
    return Finding(
        f"options.{group}.basic_sign_in",
        "warn",
        f"{GROUPS[group]}: a password signs in to Microsoft",
        "Microsoft turns that off at the end of December 2026 for tenants there are, where an "
        "administrator may "
        "turn it on again; new tenants do not have it after that, and a final date comes in the second "
        "half of 2027",
        f"use OAuth: `notify options set {group}.application_id=ID {group}.tenant_id=ID "
        f"{group}.client_secret=- --reason TEXT`",
    )


def _microsoft_limits(snapshot: Snapshot, group: str) -> Iterator[Finding]:
    messages = snapshot.number(f"limits.{group}_messages_per_minute")
    connections = snapshot.number(f"limits.{group}_connections")
    if 0 < messages <= _MICROSOFT_MESSAGES and 0 < connections <= _MICROSOFT_CONNECTIONS:
        return
    yield Finding(
        f"options.{group}.limits",
        "warn",
        f"{GROUPS[group]}: Exchange Online allows a mailbox {_MICROSOFT_MESSAGES} messages a minute and "
        f"{_MICROSOFT_CONNECTIONS} connections, and the limits here are wider",
        "what is above that is refused or held up, and retried",
        f"`notify options set limits.{group}_messages_per_minute={_MICROSOFT_MESSAGES} "
        f"limits.{group}_connections={_MICROSOFT_CONNECTIONS} --reason TEXT`",
    )


def _sender(snapshot: Snapshot, group: str, user: str) -> Iterator[Finding]:
    address = snapshot.text(f"{group}.notification_address").strip()
    default = ALL_OPTIONS[f"{group}.notification_address"].default
    if "@" not in user:
        yield Finding(
            f"options.{group}.sender",
            "warn",
            f"{GROUPS[group]}: the Authentication User is no address, and it is the sender of everything",
            "most servers refuse a sender without a domain, and replies go nowhere",
            f"`notify server test {group}` shows whether it is taken; "
            f"`notify options set {group}.authentication_user=NAME@DOMAIN --reason TEXT`",
        )
    elif address not in ("", default) and address.lower() != user.lower():
        yield Finding(
            f"options.{group}.sender",
            "warn",
            f"{GROUPS[group]}: the Notification Address is not the Authentication User, and is not used",
            "where a user signs in, the user is the sender: mails do not come from the address that you set",
            f"make them the same: `notify options set {group}.notification_address=USER --reason TEXT`",
        )


def _gateways(facts: Facts, snapshot: Snapshot) -> Iterator[Finding]:
    """Carriers' gateways that ended: in options, and in what was sent lately."""
    for key in ALL_OPTIONS:
        value = snapshot.get(key)
        words = value.replace(";", " ").replace(",", " ").split() if isinstance(value, str) else []
        for domain in sorted({domain_of(word) for word in words} & set(ENDED)):
            yield _gateway(f"{key} names an address at {domain}", domain)
    for domain, count in (facts.ledger.gateways if facts.ledger else {}).items():
        yield _gateway(f"{count} of the last notifications went to {domain}", domain)


def _gateway(what: str, domain: str) -> Finding:
    return Finding(
        "options.carrier_gateway",
        "warn",
        what,
        f"{ENDED[domain]}: who is written to there gets nothing, and nobody is told",
        "send texts by an SMS gateway that is paid for, with a domain of its own, or by another channel",
    )
