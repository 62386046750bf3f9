"""Keeps one server's report as its test goes on, from what the client tells of its steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from tasks.server import Basic, Server, Tls
from tasks.server_test.report import ServerReport, Stage, StageReport
from tasks.transports.phase import Phase
from tasks.transports.reply import Reply

_STAGES: Final[Mapping[Phase, Stage]] = MappingProxyType(
    {
        Phase.RESOLVE: "resolve",
        Phase.CONNECT: "connect",
        Phase.GREETING: "greeting",
        Phase.EHLO: "ehlo",
        Phase.TLS: "tls",
        Phase.AUTH: "auth",
        Phase.MAIL: "mail",
        Phase.RCPT: "rcpt",
        Phase.DATA: "message",
        Phase.BODY: "message",
        Phase.FINAL: "message",
    }
)


def planned(server: Server, *, to: str, send: bool) -> list[StageReport]:
    """The stages of a test, in their order."""
    stages: list[Stage] = ["resolve", "connect", "greeting", "ehlo"]
    if server.tls is Tls.IMPLICIT:
        stages.insert(stages.index("greeting"), "tls")
    elif server.tls is Tls.STARTTLS:
        stages.append("tls")
    if server.sign_in is not None:
        stages.append("auth")
    stages.append("mail")
    if to:
        stages.append("rcpt")
    if send:
        stages.append("message")
    return [StageReport(stage) for stage in stages]


def new_report(server: Server, *, to: str, send: bool) -> ServerReport:
    """A report in which nothing has begun."""
    kinds = {type(None): "none", Basic: "basic"}
    return ServerReport(
        server=server.name,
        host=server.host,
        port=server.port,
        tls=server.tls.value,
        sign_in=kinds.get(type(server.sign_in), "oauth"),
        fingerprint=server.fingerprint,
        stages=planned(server, to=to, send=send),
    )


class Progress:
    """A watcher that writes what happens into a report.

    Args:
        report: The report.
        tell: Called after each change that others should see.
    """

    def __init__(self, report: ServerReport, tell: Callable[[], None]) -> None:
        self._report = report
        self._tell = tell
        self._by_stage = {stage.stage: stage for stage in report.stages}
        self._over = False

    def stage(self, phase: Phase) -> StageReport | None:
        """The stage that a step belongs to, where the test has it."""
        name = _STAGES.get(phase)
        return self._by_stage.get(name) if name else None

    def began(self, phase: Phase) -> None:
        """A step begins: where that is another stage, what ran before it went well."""
        stage = self.stage(phase)
        if self._over or stage is None or stage.outcome != "waiting":
            return
        self._settle()
        stage.outcome = "running"
        self._tell()

    def ended(self, phase: Phase, seconds: float, reply: Reply | None) -> None:
        """A step is over: its time is the stage's, and its reply too."""
        stage = self.stage(phase)
        if self._over or stage is None:
            return
        stage.seconds = round((stage.seconds or 0.0) + seconds, 4)
        if reply is not None:
            note_reply(stage, reply)

    def succeed(self) -> None:
        """Everything went well."""
        self._settle()
        self._report.ok = True
        self._over = True
        self._tell()

    def fail(
        self, phase: Phase, *, verdict: str, reason: str, advice: str, reply: Reply | None
    ) -> StageReport:
        """A stage failed, and none comes after it."""
        failed = self.stage(phase) or self._report.stages[-1]
        before = True
        for stage in self._report.stages:
            if stage is failed:
                before = False
            elif stage.outcome == "running" or (before and stage.outcome == "waiting" and stage.seconds):
                stage.outcome = "ok"
            elif stage.outcome == "waiting":
                stage.outcome = "not_reached"
        failed.outcome, failed.verdict, failed.reason = "failed", verdict, reason
        failed.advice = [advice]
        if reply is None:
            failed.code = failed.enhanced = failed.text = None
        else:
            note_reply(failed, reply)
        self._report.ok = False
        self._over = True
        self._tell()
        return failed

    def _settle(self) -> None:
        for stage in self._report.stages:
            if stage.outcome == "running":
                stage.outcome = "ok"


def note_reply(stage: StageReport, reply: Reply) -> None:
    """Keep a reply in its stage."""
    stage.code = reply.code
    stage.enhanced = str(reply.enhanced) if reply.enhanced else None
    stage.text = reply.text
