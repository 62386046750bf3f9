"""What happened in one step of a delivery, before anybody says what it means."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from tasks.transports.phase import Phase
from tasks.transports.reply import Reply


class Kind(enum.Enum):
    """What happened; the value is the reason in words where the client knows no better."""

    REPLY = "the server replied"
    REFUSED = "the server refuses connections"
    UNREACHABLE = "the server cannot be reached"
    TIMEOUT = "the server took too long"
    LOST = "the connection was lost"
    GARBLED = "the server's reply is no SMTP"
    DNS = "the server's name cannot be resolved"
    TLS = "TLS broke off"
    TLS_UNUSABLE = "the server does not speak TLS 1.2 or newer there"
    CERTIFICATE = "the server's certificate is not trusted"
    CA_BUNDLE = "the CA bundle cannot be read"
    CLIENT_CERTIFICATE = "the client certificate cannot be used"
    STARTTLS_MISSING = "the server does not offer STARTTLS, which is required"
    AUTH_MISSING = "a sign-in is set, but the server does not offer one that we speak"
    CREDENTIALS = "the sign-in cannot be sent as it is"
    TOKEN = "no token was given for the sign-in"  # noqa: S105  # words, no secret
    TOKEN_LATER = "no token can be had at the moment"  # noqa: S105  # words, no secret
    SERVER_ADDRESS = "the server's name or port is not usable"
    SENDER_ADDRESS = "the sender's address is not usable"
    RECIPIENT_ADDRESS = "the recipient's address is not usable"
    TOO_LARGE = "the message is larger than the server allows"
    UTF8_MISSING = "the message needs SMTPUTF8, which the server does not offer"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happened in one step of a delivery.

    Attributes:
        phase: The step.
        kind: A reply, or what came in its place.
        reply: The reply, where `kind` is REPLY.
        reused: The connection had carried a message before.
        accepted_before: Recipients that the server had accepted in this transaction.
        detail: Plain words in place of the kind's own; no address, no text of a reply.
        retry_after_seconds: A wait that was named otherwise than in the reply.
    """

    phase: Phase
    kind: Kind = Kind.REPLY
    reply: Reply | None = None
    reused: bool = False
    accepted_before: int = 0
    detail: str = ""
    retry_after_seconds: int | None = None
