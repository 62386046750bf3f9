"""How a test of servers goes and what it found: what command line and page show, live and afterwards.

A server's words may quote addresses: a report belongs to whoever
may test servers, and its lifetime is short.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from tasks.live_test.report import LiveReport, StageOutcome
from tasks.server import ServerName

#: In the order of a connection with STARTTLS; with TLS from the first byte `tls` comes before `greeting`.
Stage = Literal["resolve", "connect", "greeting", "ehlo", "tls", "auth", "mail", "rcpt", "message"]


class StageReport(msgspec.Struct):
    """One step of a connection.

    Attributes:
        stage: Which.
        outcome: How it stands.
        seconds: How long it took.
        code: Of the server's last reply in it.
        enhanced: The enhanced status code of that reply.
        text: The words of that reply.
        verdict: What a failure means, as in a timeline.
        reason: Why it failed, in our words.
        advice: What to do about a failure, or about what went well and will not go well for long.
        facts: What was learned, by name: `address`; `offers`, `largest_bytes`; `protocol`, `cipher`,
            `subject`, `issuer`, `names`, `expires_at`, `days_left`; `mechanism`; `recipient`.
    """

    stage: Stage
    outcome: StageOutcome = "waiting"
    seconds: float | None = None
    code: int | None = None
    enhanced: str | None = None
    text: str | None = None
    verdict: str | None = None
    reason: str | None = None
    advice: list[str] = []
    facts: dict[str, Any] = {}


class ServerReport(msgspec.Struct):
    """How one server did.

    Attributes:
        server: Its name.
        host: Where it is.
        port: Its port.
        tls: How the connection is protected: none, starttls or implicit.
        sign_in: How to sign in: none, basic or oauth.
        fingerprint: The server under its account; a changed option makes another.
        ok: Whether every stage went well; None until that is known.
        stages: In the order in which they come.
    """

    server: ServerName
    host: str
    port: int
    tls: str
    sign_in: str
    fingerprint: str
    ok: bool | None = None
    stages: list[StageReport] = []

    @property
    def failed(self) -> StageReport | None:
        """The stage that failed."""
        return next((stage for stage in self.stages if stage.outcome == "failed"), None)


class TestReport(LiveReport, kw_only=True):
    """A whole test.

    Attributes:
        target: What was asked for.
        overrides: Names of the options that were tried without being saved.
        servers: One after the other.
    """

    # It is a report, whatever its name looks like to pytest.
    __test__ = False

    target: str
    overrides: list[str] = msgspec.field(default_factory=list)
    servers: list[ServerReport] = msgspec.field(default_factory=list)


class LastTest(msgspec.Struct, frozen=True):
    """The last test of a server, kept without anybody's words.

    Attributes:
        id: Of the test.
        at_ms: When it was done.
        by: Who asked for it.
        worker: Who made it.
        fingerprint: The server that was tested; another than today's where options changed since, or were not
            saved.
        ok: Whether it went well.
        stage: The stage that failed; blank where none did.
        code: Of the reply to it.
        enhanced: Of the same reply.
        reason: Why it failed, in our words.
    """

    id: str
    at_ms: int
    by: str
    worker: str
    fingerprint: str
    ok: bool
    stage: str = ""
    code: int | None = None
    enhanced: str | None = None
    reason: str = ""
