"""How far a connection has come: the one fact that tells "not sent" from "perhaps sent"."""

from __future__ import annotations

import enum


class Phase(enum.Enum):
    """The step a client is in; a failure belongs to the step it interrupts."""

    RESOLVE = "resolve"
    CONNECT = "connect"
    GREETING = "greeting"
    EHLO = "ehlo"
    TLS = "tls"
    AUTH = "auth"
    NOOP = "noop"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    #: The server asked for the text (354), and its end has not been handed over.
    BODY = "body"
    #: The end of the text may have reached the server: from here on, silence means "perhaps delivered".
    FINAL = "final"
    QUIT = "quit"

    @property
    def before_text(self) -> bool:
        """Whether the server has not yet asked for the text."""
        return self not in {Phase.BODY, Phase.FINAL, Phase.QUIT}
