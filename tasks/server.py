"""One SMTP server as a delivery sees it: where it is, how it is reached, who signs in."""

from __future__ import annotations

import enum
import functools
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import parseaddr
from typing import Literal

from tasks.oauth.endpoint import IdentityEndpoint

ServerName = Literal["primary_email", "secondary_email", "primary_sms", "secondary_sms"]
Channel = Literal["email", "text"]


class Tls(enum.Enum):
    """How the connection is protected. There is no "if offered": a downgrade is never silent."""

    NONE = "none"
    STARTTLS = "starttls"
    IMPLICIT = "implicit"


@dataclass(frozen=True, slots=True)
class Basic:
    """Sign-in by user and password.

    Attributes:
        user: The mailbox or account name.
        password: Opens the sealed password when it is needed, never before; raises where no key fits.
        seal: The mark of the sealed password, which tells two of them apart without opening either.
    """

    user: str
    password: Callable[[], str] = field(repr=False, compare=False)
    seal: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class OAuth:
    """Sign-in by a token for the mailbox, fetched with the application's own secret.

    Attributes:
        mailbox: The XOAUTH2 user, which is also the sender.
        application_id: The application (client) id.
        tenant_id: The tenant that issues the token.
        client_secret: Opens the sealed secret when it is needed.
        seal: The mark of the sealed secret.
        endpoint: Where the token comes from.
    """

    mailbox: str
    application_id: str
    tenant_id: str
    client_secret: Callable[[], str] = field(repr=False, compare=False)
    seal: str = field(repr=False)
    endpoint: IdentityEndpoint = field(default_factory=IdentityEndpoint)

    @property
    def application(self) -> tuple[str, ...]:
        """What a token is issued by, and to: equal wherever one token does for both."""
        asked = self.endpoint
        issuer = (asked.authority_host, asked.scope, asked.ca_bundle, asked.proxy)
        return (*issuer, self.tenant_id, self.application_id, self.seal)


@dataclass(frozen=True)
class Server:
    """A server of the chain, complete: everything a delivery needs and nothing it must look up.

    Attributes:
        name: Which of the four blocks of options it comes from.
        host: Name or address.
        port: TCP port.
        tls: Protection of the connection.
        sender: The From address and envelope sender.
        sign_in: How to sign in; None means AUTH is never tried.
        total_attachment_mb: Most megabytes of attachments as sent, 1 MB = 1,048,576 bytes; 0 = none.
        maximum_attachments: Most attachments per mail; 0 = none.
    """

    name: ServerName
    host: str
    port: int
    tls: Tls = Tls.NONE
    sender: str = "noreply"
    sign_in: Basic | OAuth | None = None
    total_attachment_mb: int = 10
    maximum_attachments: int = 50

    @functools.cached_property
    def envelope_sender(self) -> str:
        """The address for MAIL FROM: the sender without a display name."""
        return parseaddr(self.sender)[1] or self.sender

    @functools.cached_property
    def fingerprint(self) -> str:
        """Equal for two servers that are the same peer under the same account, whatever block they are in."""
        who: tuple[str, ...]
        match self.sign_in:
            case None:
                who = ("none",)
            case Basic(user=user, seal=seal):
                who = ("basic", user, seal)
            case OAuth(mailbox=mailbox, application=application):
                who = ("oauth", mailbox, *application)
        parts = (self.host.lower(), str(self.port), self.tls.value, *who)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
