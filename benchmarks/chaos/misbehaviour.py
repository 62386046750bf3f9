"""How a primary goes wrong, and what is to come of each: the verdicts, who delivers, how many connections."""

from __future__ import annotations

import ssl
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from tests.rigs.certificates import Certificates, from_a_stranger
from tests.rigs.scripted_smtp import Action, Drip, Drop, Raw, Script, Silence

#: Whose time-outs these are; the options say it in the experiment.
CONNECT_SECONDS: Final = 3
REPLY_SECONDS: Final = 5

ONE: Final = ("ops@example.com",)
THREE: Final = ("ops@example.com", "dba@example.com", "boss@example.com")


@dataclass(frozen=True)
class Misbehaviour:
    """One way of going wrong.

    Attributes:
        script: What the primary does.
        verdicts: What is made of it, each with the step, in the order of the timeline.
        by: Who delivers; `both` where each takes a part, blank where nobody has yet.
        connections: How often the primary is dialled for it.
        to: The recipients.
        least_seconds: How long it takes at the least.
        options: What is set besides.
    """

    script: Script
    verdicts: tuple[str, ...]
    by: str = "secondary"
    connections: int = 1
    to: tuple[str, ...] = ONE
    least_seconds: float = 0.0
    options: Mapping[str, object] = field(default_factory=dict)


def _plain(
    does: Mapping[str, Action],
    *verdicts: str,
    by: str = "secondary",
    to: tuple[str, ...] = ONE,
    least_seconds: float = 0.0,
) -> Misbehaviour:
    return Misbehaviour(Script(does), verdicts, by=by, to=to, least_seconds=least_seconds)


#: Those that need no certificate.
PLAIN: Final[Mapping[str, Misbehaviour]] = {
    "greets with 421": _plain({"GREETING": "421 4.3.2 not now"}, "throttled at greeting"),
    "greets with 554": _plain({"GREETING": "554 5.3.2 no service"}, "server_down at greeting"),
    "says nothing": _plain({"GREETING": Silence()}, "server_down at greeting", least_seconds=REPLY_SECONDS),
    "greets a byte at a time": _plain(
        {"GREETING": Drip("220 scripted.test ESMTP", 0.1)},
        "delivered at final",
        by="primary",
        least_seconds=2,
    ),
    "hangs up when connected": _plain({"GREETING": Drop()}, "server_down at greeting"),
    "hangs up at EHLO": _plain({"EHLO": Drop()}, "server_down at ehlo"),
    "hangs up at MAIL": _plain({"MAIL": Drop()}, "server_down at mail"),
    "hangs up at RCPT": _plain({"RCPT": Drop()}, "server_down at rcpt"),
    "hangs up at DATA": _plain({"DATA": Drop()}, "server_down at data"),
    "hangs up in the text": _plain({"TEXT": Drop()}, "server_down at body"),
    "refuses the sender for now": _plain({"MAIL": "451 4.3.0 later"}, "message_waits at mail"),
    "refuses the sender for good": _plain(
        {"MAIL": "550 5.7.60 may not send as this sender"}, "misconfigured at mail"
    ),
    "sender over quota": _plain({"MAIL": "452 4.2.2 mailbox full"}, "throttled at mail"),
    "greylists": _plain({"RCPT": "450 4.2.0 greylisted"}, "recipient_waits at rcpt"),
    "mailbox over quota": _plain({"RCPT": "452 4.2.2 over quota"}, "recipient_waits at rcpt"),
    "wants less of us": _plain({"MAIL": "432 4.3.2 concurrent connections exceeded"}, "throttled at mail"),
    "refuses one of three": _plain(
        {f"RCPT TO:<{THREE[2]}>": "550 5.1.1 nobody of that name"},
        "recipient_refused at rcpt",
        "delivered at final",
        by="both",
        to=THREE,
    ),
    "takes two at a time (452)": Misbehaviour(
        Script(recipients_at_once=2),
        ("delivered at final", "delivered at final"),
        by="primary",
        to=THREE,
    ),
    "refuses the text for now": _plain({".": "451 4.3.0 later"}, "message_waits at final"),
    "refuses the text for good": _plain({".": "554 5.6.0 not this text"}, "message_refused at final"),
    "421 after each text": Misbehaviour(
        Script(after_text="421 4.7.0 enough"), ("delivered at final",), by="primary"
    ),
    "never says goodbye": _plain({"QUIT": Silence()}, "delivered at final", by="primary"),
    "hangs up after the dot": _plain({".": Drop()}, "uncertain at final", by=""),
}


def behind_tls(certificates: Certificates) -> Mapping[str, Misbehaviour]:
    """Those that go wrong over TLS, which is demanded."""
    good = certificates.context()

    def protected(context: ssl.SSLContext | None, verdict: str, **does: Action) -> Misbehaviour:
        options = {"primary_email.enable_ssl": True, "tls.ca_bundle": certificates.bundle}
        return Misbehaviour(Script(does, tls=context), (verdict,), options=options)

    return {
        "offers no STARTTLS": protected(None, "misconfigured at tls"),
        "refuses STARTTLS for now": protected(good, "server_down at tls", STARTTLS="454 4.7.0 later"),
        "hangs up in the handshake": protected(good, "server_down at tls", HANDSHAKE=Drop()),
        "speaks no TLS in the handshake": protected(
            good, "server_down at tls", HANDSHAKE=Raw(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        ),
        "is silent in the handshake": protected(good, "server_down at tls", HANDSHAKE=Silence()),
        "speaks TLS 1.1 at most": protected(_old_tls(certificates), "misconfigured at tls"),
        "certificate expired": protected(certificates.expired(), "misconfigured at tls"),
        "certificate of another name": protected(certificates.for_another_name(), "misconfigured at tls"),
        "certificate of a stranger": protected(from_a_stranger(), "misconfigured at tls"),
    }


def _old_tls(certificates: Certificates) -> ssl.SSLContext:
    context = certificates.context()
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    with warnings.catch_warnings():
        # That it is old is what it is for.
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context
