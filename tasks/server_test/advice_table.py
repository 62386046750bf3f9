"""What to do about a failed stage: a table from what happened to a sentence, first match wins.

Rows go from the particular to the general. Sentences name options by their key; {name},
{host} and {port} in them are the server's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from tasks.server import Tls
from tasks.transports.outcome import Kind
from tasks.transports.phase import Phase
from tasks.verdict import Verdict

_IMPLICIT_PORT: Final = 465


@dataclass(frozen=True, slots=True)
class Row:
    """What must hold for a sentence; what is left out holds always.

    Attributes:
        say: The sentence.
        phases: The stage that failed.
        kinds: What happened in it.
        status: Enhanced status codes without their class.
        codes: Reply codes.
        words: A part of our own words for it.
        verdict: What it means.
        tls: How the connection is protected.
        ports: The server's port.
        oauth: Whether a token signs in.
    """

    say: str
    phases: frozenset[Phase] = frozenset()
    kinds: frozenset[Kind] = frozenset()
    status: frozenset[str] = frozenset()
    codes: frozenset[int] = frozenset()
    words: str = ""
    verdict: Verdict | None = None
    tls: Tls | None = None
    ports: frozenset[int] = frozenset()
    oauth: bool | None = None


def _of(*values: Any) -> frozenset[Any]:
    return frozenset(values)


_BROKEN: Final = _of(Kind.TIMEOUT, Kind.LOST, Kind.GARBLED)
_SEALED_ANEW: Final = "enter it anew: `notify encrypt`, then {name}.authentication_password"

_TOKENS: Final = (
    Row(
        "the worker's host must reach the host in oauth.authority_host by HTTPS (443), directly or by "
        "oauth.proxy_address; mail waits meanwhile",
        kinds=_of(Kind.TOKEN_LATER),
        words="reached",
    ),
    Row(
        "look at the proxy in oauth.proxy_address; mail waits meanwhile",
        kinds=_of(Kind.TOKEN_LATER),
        words="proxy",
    ),
    Row(
        "the identity service is away or busy; mail waits meanwhile, and the next try may do",
        kinds=_of(Kind.TOKEN_LATER),
    ),
    Row(
        "make a new client secret at Microsoft, set {name}.client_secret to its value, and its last day in "
        "secret_expiry.{name}_client_secret; it holds at once, with no restart",
        kinds=_of(Kind.TOKEN),
        words="secret has expired",
    ),
    Row(
        "set {name}.client_secret to the secret's value: the secret's ID, which stands beside it at "
        "Microsoft, is pasted in its place most often",
        kinds=_of(Kind.TOKEN),
        words="secret is wrong",
    ),
    Row(
        "{name}.tenant_id is the Directory (tenant) ID on the application's overview; national clouds have "
        "an oauth.authority_host of their own",
        kinds=_of(Kind.TOKEN),
        words="no such tenant",
    ),
    Row(
        "{name}.application_id is the Application (client) ID on the application's overview, in the tenant "
        "that {name}.tenant_id names",
        kinds=_of(Kind.TOKEN),
        words="no such application",
    ),
    Row(
        "grant the application the permission SMTP.SendAsApp of Office 365 Exchange Online, and have an "
        "administrator consent",
        kinds=_of(Kind.TOKEN),
        words="no permission",
    ),
    Row(
        "exclude the application from that policy, or have the worker's address allowed by it",
        kinds=_of(Kind.TOKEN),
        words="conditional access",
    ),
    Row("enable the enterprise application at Microsoft", kinds=_of(Kind.TOKEN), words="disabled"),
    Row(
        "oauth.scope must be https://outlook.office365.com/.default, or that of your national cloud",
        kinds=_of(Kind.TOKEN),
        words="scope",
    ),
    Row(
        "oauth.ca_bundle must name a readable PEM file with the authority of the identity service, or of "
        "the proxy that stands between; the same path on every worker",
        kinds=_of(Kind.TOKEN),
        words="certificate",
    ),
    Row(
        "oauth.ca_bundle must name a readable PEM file with certificates, the same path on every worker",
        kinds=_of(Kind.TOKEN),
        words="CA bundle",
    ),
    Row(
        "oauth.authority_host does not lead to an identity service: a captive page or another host answers",
        kinds=_of(Kind.TOKEN),
        words="identity service",
    ),
    Row(
        "look at {name}.application_id, {name}.client_secret and {name}.tenant_id",
        kinds=_of(Kind.TOKEN),
    ),
)
_REFUSED_TOKENS: Final = (
    Row(
        "in Exchange Online: `New-ServicePrincipal` for the application, with the object ID of its "
        "enterprise application, then `Add-MailboxPermission` FullAccess to the mailbox in "
        "{name}.notification_address",
        phases=_of(Phase.AUTH),
        words="mailbox is not granted",
    ),
    Row(
        "grant the application SMTP.SendAsApp of Office 365 Exchange Online with an administrator's "
        "consent, or that role for the mailbox by RBAC for Applications; {name}.notification_address must "
        "be its address",
        phases=_of(Phase.AUTH),
        words="carries no permission",
    ),
    Row(
        "the token was not accepted for this mailbox: grant the application SMTP.SendAsApp with the "
        "administrator's consent, and FullAccess to the mailbox in {name}.notification_address",
        phases=_of(Phase.AUTH),
        oauth=True,
        verdict=Verdict.MISCONFIGURED,
    ),
)

TABLE: Final = (
    # Finding and reaching the server.
    Row(
        "check the spelling of {name}.server_name; on the worker's host `getent hosts {host}` must answer",
        kinds=_of(Kind.DNS),
    ),
    Row(
        "the worker's name server is slow or away: `getent hosts {host}` there",
        phases=_of(Phase.RESOLVE),
        kinds=_of(Kind.TIMEOUT),
    ),
    Row(
        "{name}.server_name is a host name or an address without port, and without blanks",
        kinds=_of(Kind.SERVER_ADDRESS),
    ),
    Row(
        "nothing listens there, or a firewall says no: is {port} the right {name}.server_port (25, 587 or "
        "465)?",
        kinds=_of(Kind.REFUSED),
    ),
    Row(
        "a firewall between the worker and {host}:{port} drops it, or the host is down; open TCP {port} "
        "for the worker's host",
        phases=_of(Phase.CONNECT),
        kinds=_of(Kind.TIMEOUT),
    ),
    Row(
        "there is no way from the worker's host to {host}: look at its routes and firewall",
        kinds=_of(Kind.UNREACHABLE),
    ),
    # A server that waits for TLS, or does not know it.
    Row(
        "port 465 speaks TLS from the first byte: set {name}.enable_ssl=True",
        phases=_of(Phase.GREETING),
        kinds=_BROKEN,
        tls=Tls.NONE,
        ports=_of(_IMPLICIT_PORT),
    ),
    Row(
        "what listens on {port} does not greet as a mail server does: is it the right {name}.server_port?",
        phases=_of(Phase.GREETING),
        kinds=_of(Kind.GARBLED),
    ),
    Row(
        "the server takes connections and does not greet: it may be overloaded, hold this host back, or "
        "expect TLS first (port 465 with {name}.enable_ssl=True)",
        phases=_of(Phase.GREETING),
        kinds=_BROKEN,
    ),
    Row(
        "the server speaks no TLS from the first byte on {port}; port 587 with {name}.enable_ssl=True asks"
        " for STARTTLS",
        kinds=_of(Kind.TLS_UNUSABLE),
        tls=Tls.IMPLICIT,
    ),
    Row(
        "the server must be updated, or tls.minimum_version set to 1.2",
        kinds=_of(Kind.TLS_UNUSABLE),
        words="TLS 1.3",
    ),
    Row(
        "the server has only versions of TLS before 1.2, which are refused: it must be updated",
        kinds=_of(Kind.TLS_UNUSABLE),
    ),
    Row(
        "ask for TLS on the port that has it: 587 (STARTTLS) or 465; only inside a network that you trust "
        "is {name}.enable_ssl=False an answer",
        kinds=_of(Kind.STARTTLS_MISSING),
    ),
    # Certificates.
    Row(
        "the server's owner must renew the certificate; nothing is sent before",
        kinds=_of(Kind.CERTIFICATE),
        words="expired",
    ),
    Row(
        "compare the clocks of the worker's host and the server; else the certificate was put in too early",
        kinds=_of(Kind.CERTIFICATE),
        words="not valid yet",
    ),
    Row(
        "set {name}.server_name to a name that the certificate has, or have one made for {host}",
        kinds=_of(Kind.CERTIFICATE),
        words="another",
    ),
    Row(
        "where your own authority signed it, put that authority's certificate into the file that "
        "tls.ca_bundle names, on every worker",
        kinds=_of(Kind.CERTIFICATE),
    ),
    Row(
        "tls.ca_bundle must name a readable PEM file with certificates, the same path on every worker",
        kinds=_of(Kind.CA_BUNDLE),
    ),
    Row(
        "the server's owner issues a certificate for us: name its file in tls.client_certificate and its "
        "key's in tls.client_key, on every worker",
        kinds=_of(Kind.CLIENT_CERTIFICATE),
        words="the server",
    ),
    Row(
        "tls.client_certificate and tls.client_key must name PEM files on every worker; the key without a "
        "password, and readable by the worker's user alone (chmod 600)",
        kinds=_of(Kind.CLIENT_CERTIFICATE),
    ),
    Row(
        "something between the worker and {host} ends the TLS handshake: a proxy, a firewall, or the "
        "server itself",
        kinds=_of(Kind.TLS),
    ),
    # Signing in.
    Row(
        "the server offers a sign-in only under TLS: set {name}.enable_ssl=True, mostly with port 587",
        kinds=_of(Kind.AUTH_MISSING),
        tls=Tls.NONE,
    ),
    Row(
        "the server takes no token here: smtp.office365.com, port 587, does",
        kinds=_of(Kind.AUTH_MISSING),
        oauth=True,
    ),
    Row(
        "the server has no sign-in that we speak (PLAIN, LOGIN); if it needs none, clear "
        "{name}.authentication_user",
        kinds=_of(Kind.AUTH_MISSING),
    ),
    Row("user name or password holds what cannot be sent: " + _SEALED_ANEW, kinds=_of(Kind.CREDENTIALS)),
    *_TOKENS,
    Row(
        "`Set-CASMailbox MAILBOX -SmtpClientAuthenticationDisabled $false`, and where that does not help "
        "`Set-TransportConfig -SmtpClientAuthenticationDisabled $false`; tokens need it as well",
        words="SMTP AUTH is turned off",
    ),
    Row(
        "Microsoft has ended sign-ins by password for this tenant: set {name}.application_id, "
        "client_secret and tenant_id, so that a token signs in",
        words="by password any more",
    ),
    Row(
        "the tenant's security defaults or conditional access forbid this sign-in; a token is the way out: "
        "set {name}.application_id, client_secret and tenant_id",
        phases=_of(Phase.AUTH),
        status=_of("7.139"),
        oauth=False,
    ),
    *_REFUSED_TOKENS,
    Row(
        "wrong user or password, most likely: " + _SEALED_ANEW + ". Tried once: accounts lock after a few",
        phases=_of(Phase.AUTH),
        verdict=Verdict.MISCONFIGURED,
    ),
    Row(
        "the server's own password service is out of order; its administrator must look",
        phases=_of(Phase.AUTH),
        verdict=Verdict.SERVER_DOWN,
    ),
    # Sender and recipient.
    Row(
        "the server wants a sign-in: set {name}.authentication_user and its password, or OAuth",
        status=_of("7.57"),
    ),
    Row(
        "the server wants a sign-in: set {name}.authentication_user and its password, or OAuth",
        codes=_of(530),
    ),
    Row(
        "the account may not send as this sender: grant it Send As, or let {name}.notification_address and"
        " the account be the same",
        words="send as",
    ),
    Row(
        "{name}.notification_address must be one address, name@domain (with a user that signs in: "
        "{name}.authentication_user)",
        kinds=_of(Kind.SENDER_ADDRESS),
    ),
    Row(
        "the server does not relay to other domains for this host or sign-in: have it allow the worker's "
        "address, or set {name}.authentication_user",
        words="relay",
    ),
    Row("the provider has blocked this account or this host's address: ask it to lift that", words="blocked"),
    Row("the server's rules refuse this sender or host: its administrator must allow it", words="policy"),
    Row(
        "the server does not take addresses beyond ASCII (SMTPUTF8): use another address",
        kinds=_of(Kind.UTF8_MISSING, Kind.RECIPIENT_ADDRESS),
    ),
    Row(
        "the server's limit is below this message: lower {name}.total_attachment_size_mb to what it takes",
        kinds=_of(Kind.TOO_LARGE),
    ),
    Row(
        "the server does not know this recipient, or does not take mail for it; try another with --to",
        phases=_of(Phase.RCPT),
        verdict=Verdict.RECIPIENT_REFUSED,
    ),
    Row(
        "the server puts this recipient off (greylisting, mostly): real mail is tried again by itself",
        verdict=Verdict.RECIPIENT_WAITS,
    ),
    # Everything else, by what it means.
    Row(
        "the server limits how much is sent: wait, and set limits.{name}_messages_per_minute and "
        "limits.{name}_connections to what it allows",
        verdict=Verdict.THROTTLED,
    ),
    Row(
        "the message may have arrived: look into the mailbox before you test again", verdict=Verdict.UNCERTAIN
    ),
    Row("the server put the message off; its words say why", verdict=Verdict.MESSAGE_WAITS),
    Row("the server does not take this message; its words say why", verdict=Verdict.MESSAGE_REFUSED),
    Row("the server asks for another set-up; its words say which", verdict=Verdict.MISCONFIGURED),
    Row(
        "the server is not in service now; it is tried again by itself, and its log says more",
        verdict=Verdict.SERVER_DOWN,
    ),
)
