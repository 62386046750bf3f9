"""Goes through one server step by step, over the client that deliveries use, and signs in once at most."""

from __future__ import annotations

import contextlib
import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from settings_store.errors import SecretFault
from tasks.rendering import RenderedMessage
from tasks.server import Server
from tasks.server_test.advice import advice, foresight
from tasks.server_test.certificate import tls_facts
from tasks.server_test.progress import Progress, new_report
from tasks.server_test.report import ServerReport, StageReport
from tasks.server_test.watched_client import WatchedClient
from tasks.transports.envelope import Refusal
from tasks.transports.failure import TokenFailure, TransportFailure
from tasks.transports.opening import TokenSource, open_client
from tasks.transports.outcome import Kind, Outcome
from tasks.transports.phase import Phase
from tasks.transports.pool import ConnectionPool, no_tokens
from tasks.transports.sending import send_text
from tasks.transports.timeouts import Timeouts
from tasks.transports.transaction import ask_recipients, open_envelope
from tasks.transports.trust import Trust
from tasks.verdict import Verdict, judge

#: As RFC 1870 has the size that a server takes.
_SIZE = re.compile("[0-9]{1,20}")


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a server.

    Attributes:
        server: Which.
        timeouts: Seconds per step.
        trust: What TLS rests on.
        to: Whom RCPT is about; blank for nobody.
        message: What that recipient gets; None for nothing.
        token_source: Gives the token for a sign-in by OAuth.
    """

    server: Server
    timeouts: Timeouts
    trust: Trust = field(default_factory=Trust)
    to: str = ""
    message: RenderedMessage | None = None
    token_source: TokenSource = no_tokens


def examine(
    question: Question,
    pool: ConnectionPool,
    tell: Callable[[ServerReport], None],
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> ServerReport:
    """Test a server and tell of each step.

    Args:
        question: What is asked.
        pool: Whose trust is used; no connection of it is.
        tell: Called with the report whenever it has changed.
        now: The present, for the days that a certificate has left.
    """
    report = new_report(question.server, to=question.to, send=question.message is not None)
    progress = Progress(report, lambda: tell(report))
    client = WatchedClient(local_hostname=pool.local_hostname, timeouts=question.timeouts, watcher=progress)
    try:
        _run(question, pool, client, progress, now)
    except TransportFailure as failure:
        failed = _failed(progress, question.server, failure.outcome)
        if failure.outcome.kind is Kind.CERTIFICATE:
            # In the words of the certificate itself, one sees whose it is.
            failed.facts = _looked_at(question, pool, now)
            tell(report)
    except SecretFault as fault:
        progress.fail(
            Phase.AUTH,
            verdict="worker_unfit",
            reason=f"this worker cannot open the password: {fault}",
            advice="NOTIFY_KEY_FILE must name the key file that sealed it, for every worker",
            reply=None,
        )
    finally:
        client.close()
    return report


def _run(
    question: Question,
    pool: ConnectionPool,
    client: WatchedClient,
    progress: Progress,
    now: Callable[[], datetime],
) -> None:
    server = question.server
    try:
        pool.introduce(client, server, question.trust, question.token_source)
    finally:
        _note(progress, Phase.CONNECT, server, address=client.peer_address)
        _note(progress, Phase.AUTH, server, mechanism=client.mechanism)
    if client.tls_socket is not None:
        _note(progress, Phase.TLS, server, **tls_facts(client.tls_socket, now()))
    _note(progress, Phase.EHLO, server, **_offers(client))
    refusal = _transact(question, client, progress)
    if refusal is None:
        # Before the leave, which may take a second and is nobody's concern.
        progress.succeed()
        client.say_goodbye()
        return
    reply = refusal.reply
    outcome = Outcome(Phase.RCPT, Kind.REPLY if reply else Kind.RECIPIENT_ADDRESS, reply)
    _failed(progress, server, outcome, reason=refusal.judgement.reason)


def _transact(question: Question, client: WatchedClient, progress: Progress) -> Refusal | None:
    """Ask about sender and recipient and, where wanted, send; the refusal of the recipient, if any."""
    server, message = question.server, question.message
    recipients = [question.to] if question.to else []
    if message is None:
        envelope = ask_recipients(client, server.envelope_sender, recipients)
    else:
        envelope = open_envelope(
            client,
            server.envelope_sender,
            recipients,
            message.size_bytes,
            smtputf8=message.smtputf8,
            pipelined=False,
        )
    if question.to in envelope.refused:
        return envelope.refused[question.to]
    _note(progress, Phase.RCPT, server, recipient=question.to)
    if message is not None:
        send_text(client, message.chunks())
    return None


def _offers(client: WatchedClient) -> dict[str, object]:
    """What the server offers, as it said last."""
    offers = sorted(name.upper() for name in client.esmtp_features)
    size = client.esmtp_features.get("size", "").split(" ")[0]
    return {"offers": offers, "largest_bytes": int(size) if _SIZE.fullmatch(size) else None}


def _note(progress: Progress, phase: Phase, server: Server, **facts: object) -> None:
    stage = progress.stage(phase)
    known = {name: fact for name, fact in facts.items() if fact not in ("", None)}
    if stage is not None and known:
        stage.facts = {**stage.facts, **known}
        stage.advice = foresight(stage.facts, server)


def _failed(progress: Progress, server: Server, outcome: Outcome, *, reason: str = "") -> StageReport:
    judgement = judge(outcome)
    verdict = judgement.verdict
    # A test makes its own connection, so nothing was given up meanwhile.
    verdict = Verdict.SERVER_DOWN if verdict is Verdict.STALE_CONNECTION else verdict
    return progress.fail(
        outcome.phase,
        verdict=verdict.value,
        reason=reason or judgement.reason,
        advice=advice(outcome, server),
        reply=outcome.reply,
    )


def _looked_at(question: Question, pool: ConnectionPool, now: Callable[[], datetime]) -> dict[str, object]:
    """What a certificate says that is not trusted: over a connection by which nothing is told or sent."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    seen = _Silent()
    client = WatchedClient(local_hostname=pool.local_hostname, timeouts=question.timeouts, watcher=seen)
    try:
        with contextlib.suppress(TransportFailure):
            open_client(client, replace(question.server, sign_in=None), lambda: context, _no_token)
        return tls_facts(client.tls_socket, now()) if client.tls_socket is not None else {}
    finally:
        client.close()


def _no_token(_server: Server, _refused: str = "", /) -> str:
    raise TokenFailure


class _Silent:
    """A watcher that tells nobody."""

    def began(self, phase: Phase) -> None:
        """Nothing."""

    def ended(self, phase: Phase, seconds: float, reply: object) -> None:
        """Nothing."""
