"""Which servers carry a notification, in which order, and why: a pure function of the options.

e-mail   Primary Email -> Secondary Email if set; Primary blank: held, also where Secondary is set
text     Primary SMS -> Secondary SMS if set; Secondary SMS alone; neither: as e-mail
"""

from __future__ import annotations

from dataclasses import dataclass
from email.utils import parseaddr
from typing import assert_never

from settings_store.catalog import ALL_OPTIONS, GROUPS
from settings_store.server_group import IMPLICIT_TLS_PORT, oauth_complete, oauth_incomplete, oauth_missing
from settings_store.snapshot import Snapshot
from tasks.oauth.endpoint import IdentityEndpoint
from tasks.server import Basic, Channel, OAuth, Server, ServerName, Tls

#: The sender where Notification Address is blank.
SENDER_OF_LAST_RESORT = "noreply"
PRIMARY_EMAIL_BLANK = "Primary Email server name is blank"


@dataclass(frozen=True, slots=True)
class Hop:
    """One server of a chain.

    Attributes:
        server: Everything a delivery needs.
        rule: The sentence of the routing table that put it here.
    """

    server: Server
    rule: str


@dataclass(frozen=True, slots=True)
class Route:
    """The chain for one channel, or why there is none.

    Attributes:
        chain: The servers in the order they are tried; empty where held.
        held: Why nothing can be sent; None where there is a chain.
        reasons: The rule of each hop in order, then what else decided: sender, sign-in, TLS, a hop dropped.
            Sentences without any address, so that they may be logged.
    """

    chain: tuple[Hop, ...]
    held: str | None
    reasons: tuple[str, ...]


def route(snapshot: Snapshot, channel: Channel) -> Route:
    """The servers that today's options give a channel, with the rule for each."""
    return snapshot.derive(_email_route if channel == "email" else _text_route)


def _email_route(snapshot: Snapshot) -> Route:
    return _route(snapshot, "email")


def _text_route(snapshot: Snapshot) -> Route:
    return _route(snapshot, "text")


def _route(snapshot: Snapshot, channel: Channel) -> Route:
    planned = _plan(snapshot, channel)
    if not planned:
        return Route((), PRIMARY_EMAIL_BLANK, _held_reasons(snapshot, channel))
    chain: list[Hop] = []
    remarks: list[str] = []
    for name, rule in planned:
        server, explained = _server(snapshot, name)
        twin = next((hop.server for hop in chain if hop.server.fingerprint == server.fingerprint), None)
        if twin is None:
            chain.append(Hop(server, rule))
            remarks += explained
        else:
            remarks.append(f"{GROUPS[name]} is dropped: same server, same sign-in as {GROUPS[twin.name]}")
    return Route(tuple(chain), None, (*(hop.rule for hop in chain), *remarks))


def servers_in_use(snapshot: Snapshot) -> tuple[Server, ...]:
    """Every server that today's options let anything be sent by; those for e-mail, then those for texts."""
    hops = (*route(snapshot, "email").chain, *route(snapshot, "text").chain)
    return tuple(hop.server for hop in hops)


def server_of(snapshot: Snapshot, name: ServerName) -> Server | None:
    """The server that a group of options describes, whether or not it is on a chain; None while unnamed."""
    return _server(snapshot, name)[0] if _is_named(snapshot, name) else None


def _plan(snapshot: Snapshot, channel: Channel) -> list[tuple[ServerName, str]]:
    """The servers that the table names, each with its rule."""
    match channel:
        case "email":
            return _email(snapshot, "e-mail goes to Primary Email first")
        case "text":
            by_sms = _sms(snapshot)
            return by_sms or _email(
                snapshot, "no SMS server is set, so texts go the way of e-mail: to Primary Email first"
            )
        case _:
            assert_never(channel)


def _email(snapshot: Snapshot, primary_rule: str) -> list[tuple[ServerName, str]]:
    if not _is_named(snapshot, "primary_email"):
        return []
    plan: list[tuple[ServerName, str]] = [("primary_email", primary_rule)]
    if _is_named(snapshot, "secondary_email"):
        plan.append(("secondary_email", "Secondary Email is tried where Primary Email failed"))
    return plan


def _sms(snapshot: Snapshot) -> list[tuple[ServerName, str]]:
    primary, secondary = _is_named(snapshot, "primary_sms"), _is_named(snapshot, "secondary_sms")
    plan: list[tuple[ServerName, str]] = []
    if primary:
        plan.append(
            ("primary_sms", "Primary SMS is set, so texts go to it first and never by the e-mail servers")
        )
    if secondary:
        rule = (
            "Secondary SMS is tried where Primary SMS failed"
            if primary
            else "only Secondary SMS is set, so it carries every text, and the e-mail servers none"
        )
        plan.append(("secondary_sms", rule))
    return plan


def _held_reasons(snapshot: Snapshot, channel: Channel) -> tuple[str, ...]:
    reasons = [PRIMARY_EMAIL_BLANK]
    if channel == "text":
        reasons.insert(0, "no SMS server is set, so texts go the way of e-mail")
    if _is_named(snapshot, "secondary_email"):
        reasons.append("Secondary Email is set, but is only tried where Primary Email failed")
    return tuple(reasons)


def _server(snapshot: Snapshot, name: ServerName) -> tuple[Server, list[str]]:
    """A server's options put together, and sentences on what they decided."""
    title = GROUPS[name]
    port = snapshot.number(f"{name}.server_port")
    tls, about_tls = _tls(port, enabled=snapshot.flag(f"{name}.enable_ssl"))
    sender, sign_in, about_sender = _sender(snapshot, name)
    remarks = [about_sender, about_tls]
    if oauth_incomplete(snapshot, name):
        missing = " and ".join(oauth_missing(snapshot, name))
        remarks.insert(0, f"OAuth is incomplete ({missing} missing), so it is not used")
    attachments = f"{name}.maximum_attachments" in ALL_OPTIONS
    server = Server(
        name=name,
        host=_text(snapshot, f"{name}.server_name"),
        port=port,
        tls=tls,
        sender=sender,
        sign_in=sign_in,
        total_attachment_mb=snapshot.number(f"{name}.total_attachment_size_mb") if attachments else 0,
        maximum_attachments=snapshot.number(f"{name}.maximum_attachments") if attachments else 0,
    )
    return server, [f"{title}: {remark}" for remark in remarks]


def _tls(port: int, *, enabled: bool) -> tuple[Tls, str]:
    if not enabled:
        return Tls.NONE, "Enable SSL is False, so nothing is encrypted"
    if port == IMPLICIT_TLS_PORT:
        return Tls.IMPLICIT, "Enable SSL is True with port 465, so TLS begins with the first byte"
    return Tls.STARTTLS, f"Enable SSL is True with port {port}, so STARTTLS is required"


def _sender(snapshot: Snapshot, name: ServerName) -> tuple[str, Basic | OAuth | None, str]:
    """Who sends, how to sign in, and the rule for both."""
    address = _text(snapshot, f"{name}.notification_address") or SENDER_OF_LAST_RESORT
    user = _text(snapshot, f"{name}.authentication_user")
    if oauth_complete(snapshot, name):
        sign_in = OAuth(
            mailbox=parseaddr(address)[1] or address,
            application_id=_text(snapshot, f"{name}.application_id"),
            tenant_id=_text(snapshot, f"{name}.tenant_id"),
            client_secret=snapshot.secret(f"{name}.client_secret"),
            seal=snapshot.mark(f"{name}.client_secret"),
            endpoint=IdentityEndpoint.of(snapshot),
        )
        return address, sign_in, "OAuth is complete, so the Notification Address is mailbox and sender"
    if user:
        password = f"{name}.authentication_password"
        return (
            user,
            Basic(user=user, password=snapshot.secret(password), seal=snapshot.mark(password)),
            "the Authentication User signs in and is the sender",
        )
    rule = "no Authentication User is set, so nobody signs in and the Notification Address is the sender"
    if not _text(snapshot, f"{name}.notification_address"):
        rule += f"; it is blank, so that is {SENDER_OF_LAST_RESORT}"
    return address, None, rule


def _is_named(snapshot: Snapshot, name: ServerName) -> bool:
    return snapshot.is_set(f"{name}.server_name")


def _text(snapshot: Snapshot, key: str) -> str:
    """Text without the spaces that come along when it is pasted."""
    return snapshot.text(key).strip()
