"""A server is tested step by step, and says at which step it fails, with what, and what to do."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from settings_store.errors import NoKeyring
from settings_store.snapshot import Snapshot
from tasks.server import Basic, OAuth, Server, Tls
from tasks.server_test.examination import Question, examine
from tasks.server_test.report import ServerReport, StageReport
from tasks.server_test.sample_mail import sample_mail
from tasks.transports.pool import ConnectionPool
from tasks.transports.timeouts import Timeouts
from tasks.transports.trust import Trust
from tests.rigs.certificates import Certificates, self_signed
from tests.rigs.delivering import PATIENT, RECIPIENT, SHORT, basic, oauth, server_at
from tests.rigs.processes import free_port
from tests.rigs.scripted_smtp import Action, Drop, Raw, Script, Silence, scripted_server

SECRET = "open sesame"
OFFERS = ("PIPELINING", "SIZE 10000000", "8BITMIME", "AUTH PLAIN LOGIN")


def asked(
    pool: ConnectionPool,
    server: Server,
    *,
    to: str = "",
    send: bool = False,
    bundle: str = "",
    timeouts: Timeouts = PATIENT,
) -> tuple[ServerReport, list[ServerReport]]:
    """The report in the end, and as it was each time that it was told."""
    seen: list[ServerReport] = []
    message = None
    if send:
        message = sample_mail(
            server, Snapshot(), test_id="t-1", to=to, worker="w@host", now=datetime.now(UTC)
        )
    question = Question(server, timeouts, trust=Trust(bundle), to=to, message=message)
    report = examine(
        question,
        pool,
        lambda so_far: seen.append(msgspec.json.decode(msgspec.json.encode(so_far), type=ServerReport)),
    )
    return report, seen


def outcomes(report: ServerReport) -> dict[str, str]:
    return {stage.stage: stage.outcome for stage in report.stages}


def stage(report: ServerReport, name: str) -> StageReport:
    (found,) = (each for each in report.stages if each.stage == name)
    return found


def failed(report: ServerReport) -> StageReport:
    assert report.ok is False
    assert report.failed is not None, report
    return report.failed


def test_without_a_recipient_it_goes_as_far_as_the_sender_and_leaves_no_trace(pool: ConnectionPool) -> None:
    with scripted_server(Script(offers=OFFERS)) as peer:
        report, _ = asked(pool, server_at(peer.port, sign_in=basic()))
        (session,) = peer.sessions
        assert session.closed.wait(20)
    assert report.ok is True
    assert list(outcomes(report)) == ["resolve", "connect", "greeting", "ehlo", "auth", "mail"]
    assert set(outcomes(report).values()) == {"ok"}
    assert session.verbs() == ["ehlo", "AUTH", "MAIL", "QUIT"]
    assert session.texts == []
    assert stage(report, "connect").facts == {"address": f"127.0.0.1:{peer.port}"}
    assert stage(report, "auth").facts == {"mechanism": "PLAIN"}
    assert (stage(report, "auth").code, stage(report, "auth").enhanced) == (235, "2.7.0")
    assert stage(report, "ehlo").facts["largest_bytes"] == 10_000_000


def test_a_recipient_is_asked_about_and_nothing_is_sent_to_it(pool: ConnectionPool) -> None:
    with scripted_server(Script(offers=OFFERS)) as peer:
        report, _ = asked(pool, server_at(peer.port), to=RECIPIENT)
        (session,) = peer.sessions
        assert session.closed.wait(20)
    assert report.ok is True
    assert session.commands[1:] == [
        "MAIL FROM:<notify@corp.test>",
        f"RCPT TO:<{RECIPIENT}>",
        "QUIT",
    ]
    assert stage(report, "rcpt").facts == {"recipient": RECIPIENT}


def test_a_message_that_is_asked_for_is_sent_once_and_says_what_it_is(pool: ConnectionPool) -> None:
    with scripted_server(Script(offers=OFFERS)) as peer:
        report, _ = asked(pool, server_at(peer.port), to=RECIPIENT, send=True)
        (session,) = peer.sessions
        assert session.closed.wait(20)
    assert report.ok is True
    assert stage(report, "message").text == "queued as SCRIPTED1"
    (text,) = session.texts
    assert b"Subject: Test Notification\r\n" in text
    assert b"w@host" in text
    assert b"Auto-Submitted: auto-generated" in text


def test_an_sms_server_gets_a_text_of_one_message(pool: ConnectionPool) -> None:
    with scripted_server(Script(offers=OFFERS)) as peer:
        server = Server("primary_sms", "127.0.0.1", peer.port, sender="notify@corp.test")
        report, _ = asked(pool, server, to="4915112345@sms.example", send=True)
        (session,) = peer.sessions
    assert report.ok is True
    (text,) = session.texts
    body = text.partition(b"\r\n\r\n")[2]
    assert body.startswith(b"ID=0 Test by Primary SMS")
    assert len(body.strip()) <= 160


def test_each_stage_is_told_as_it_begins_so_that_a_reader_can_follow(pool: ConnectionPool) -> None:
    with scripted_server(Script(offers=OFFERS)) as peer:
        _, seen = asked(pool, server_at(peer.port, sign_in=basic()), to=RECIPIENT)
    running = [name for report in seen for name, outcome in outcomes(report).items() if outcome == "running"]
    assert running == ["resolve", "connect", "greeting", "ehlo", "auth", "mail", "rcpt"]
    assert [report.ok for report in seen] == [None] * 7 + [True]


class Case(NamedTuple):
    """How a server behaves, and what the test must say of it."""

    does: dict[str, Action]
    tls: Tls
    at: str
    verdict: str
    code: int | None
    words: str


REPLIES: Sequence[tuple[dict[str, Action], Tls, str, str, int | None, str]] = [
    ({"GREETING": "554 5.3.2 no"}, Tls.NONE, "greeting", "server_down", 554, "is not in service"),
    ({"GREETING": "421 4.3.0 later"}, Tls.NONE, "greeting", "server_down", 421, "is not in service"),
    ({"GREETING": Drop()}, Tls.NONE, "greeting", "server_down", None, "does not greet"),
    ({"GREETING": Raw(b"HTTP/1.1 400 Bad\r\n")}, Tls.NONE, "greeting", "server_down", None, "right primary"),
    ({"EHLO": "502 5.5.1 what", "HELO": "502 5.5.1 what"}, Tls.NONE, "ehlo", "server_down", 502, "service"),
    ({}, Tls.STARTTLS, "tls", "misconfigured", None, "587 (STARTTLS) or 465"),
    ({"AUTH": "535 5.7.8 wrong"}, Tls.NONE, "auth", "misconfigured", 535, "wrong user or password"),
    (
        {"AUTH": "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled"},
        Tls.NONE,
        "auth",
        "misconfigured",
        535,
        "Set-CASMailbox",
    ),
    (
        {"AUTH": "550 5.7.30 Basic authentication is not supported for Client Submission"},
        Tls.NONE,
        "auth",
        "misconfigured",
        550,
        "application_id",
    ),
    ({"AUTH": "454 4.7.0 temporary"}, Tls.NONE, "auth", "server_down", 454, "password service"),
    ({"MAIL": "530 5.7.57 not authenticated"}, Tls.NONE, "mail", "misconfigured", 530, "wants a sign-in"),
    (
        {"MAIL": "550 5.7.60 permissions to send as this sender"},
        Tls.NONE,
        "mail",
        "misconfigured",
        550,
        "Send As",
    ),
    ({"MAIL": "432 4.3.2 Concurrent connections"}, Tls.NONE, "mail", "throttled", 432, "limits.primary"),
    ({"RCPT": "550 5.1.1 unknown"}, Tls.NONE, "rcpt", "recipient_refused", 550, "does not know"),
    ({"RCPT": "450 4.2.0 greylisted"}, Tls.NONE, "rcpt", "recipient_waits", 450, "greylisting"),
    ({"RCPT": "554 5.7.1 relay access denied"}, Tls.NONE, "rcpt", "misconfigured", 554, "does not relay"),
    ({"DATA": "451 4.3.0 full"}, Tls.NONE, "message", "message_waits", 451, "put the message off"),
    ({".": "554 5.7.1 spam"}, Tls.NONE, "message", "message_refused", 554, "does not take this message"),
    ({".": Drop()}, Tls.NONE, "message", "uncertain", None, "may have arrived"),
]


@pytest.mark.parametrize("case", [Case(*each) for each in REPLIES], ids=lambda case: f"{case.at}-{case.code}")
def test_a_failure_names_its_stage_its_meaning_the_reply_and_a_cure(pool: ConnectionPool, case: Case) -> None:
    with scripted_server(Script(does=case.does, offers=OFFERS)) as peer:
        server = server_at(peer.port, tls=case.tls, sign_in=basic())
        report, _ = asked(pool, server, to=RECIPIENT, send=True)
        sign_ins = [command for each in peer.sessions for command in each.commands if "AUTH" in command]
    found = failed(report)
    assert (found.stage, found.verdict, found.code) == (case.at, case.verdict, case.code)
    assert case.words in " ".join(found.advice)
    assert found.reason
    assert len(sign_ins) <= 1
    names = list(outcomes(report))
    place = names.index(case.at)
    assert {outcomes(report)[name] for name in names[:place]} <= {"ok"}
    assert {outcomes(report)[name] for name in names[place + 1 :]} <= {"not_reached"}


def test_a_server_that_falls_silent_is_left_within_its_time_out(pool: ConnectionPool) -> None:
    with scripted_server(Script(does={"MAIL": Silence()})) as peer:
        report, _ = asked(pool, server_at(peer.port), timeouts=SHORT)
    assert (failed(report).stage, failed(report).reason) == ("mail", "the server took too long")


def test_nobody_listening_and_no_such_name_are_told_apart(pool: ConnectionPool) -> None:
    report, _ = asked(pool, server_at(free_port()))
    assert (failed(report).stage, failed(report).reason) == ("connect", "the server refuses connections")
    assert "server_port" in failed(report).advice[0]
    report, _ = asked(pool, server_at(25, host="no-such-host.invalid"))
    assert failed(report).stage == "resolve"
    assert "getent hosts no-such-host.invalid" in failed(report).advice[0]


@pytest.mark.parametrize("mode", [Tls.STARTTLS, Tls.IMPLICIT])
def test_a_trusted_certificate_is_shown_with_its_days(
    pool: ConnectionPool, certificates: Certificates, mode: Tls
) -> None:
    script = Script(offers=OFFERS, tls=certificates.context(), implicit_tls=mode is Tls.IMPLICIT)
    with scripted_server(script) as peer:
        server = server_at(peer.port, host="localhost", tls=mode, sign_in=basic())
        report, _ = asked(pool, server, bundle=certificates.bundle)
    assert report.ok is True, report
    facts = stage(report, "tls").facts
    assert facts["protocol"].startswith("TLSv1.")
    assert facts["names"] == ["localhost", "127.0.0.1"]
    assert "trustme" in facts["issuer"]
    assert facts["days_left"] > 21
    order = list(outcomes(report))
    before = "ehlo" if mode is Tls.STARTTLS else "connect"
    assert order.index("tls") == order.index(before) + 1


def test_a_certificate_that_ends_soon_is_fine_and_comes_with_a_warning(
    pool: ConnectionPool, certificates: Certificates
) -> None:
    now = datetime.now(UTC)
    leaf = certificates.authority.issue_cert("localhost", not_after=now + timedelta(days=5))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    leaf.configure_cert(context)
    with scripted_server(Script(offers=OFFERS, tls=context)) as peer:
        server = server_at(peer.port, host="localhost", tls=Tls.STARTTLS)
        report, _ = asked(pool, server, bundle=certificates.bundle)
    assert report.ok is True
    assert stage(report, "tls").advice == [
        "the certificate ends in 4 days: have it renewed before; nothing is sent after that"
    ]


@pytest.mark.parametrize("mode", [Tls.STARTTLS, Tls.IMPLICIT])
def test_a_certificate_that_is_refused_is_shown_all_the_same_and_nothing_secret_is_said_to_it(
    pool: ConnectionPool, certificates: Certificates, tmp_path: Path, mode: Tls
) -> None:
    wrong = {
        "another name": certificates.for_another_name(),
        "has expired": certificates.expired(),
        "self-signed": self_signed(tmp_path),
    }
    for words, context in wrong.items():
        script = Script(offers=OFFERS, tls=context, implicit_tls=mode is Tls.IMPLICIT)
        with scripted_server(script) as peer:
            server = server_at(peer.port, host="localhost", tls=mode, sign_in=basic())
            report, _ = asked(pool, server, bundle=certificates.bundle)
            commands = [command for each in peer.sessions for command in each.commands]
        found = failed(report)
        assert (found.stage, found.verdict) == ("tls", "misconfigured")
        assert words in str(found.reason)
        assert found.facts["subject"]
        assert ("mail.elsewhere.test" in found.facts["names"]) is (words == "another name")
        assert not [command for command in commands if command.startswith(("AUTH", "MAIL"))]


def test_a_password_that_this_worker_cannot_open_is_its_own_fault(pool: ConnectionPool) -> None:
    def locked() -> str:
        raise NoKeyring("primary_email.authentication_password")

    with scripted_server(Script(offers=OFFERS)) as peer:
        report, _ = asked(pool, server_at(peer.port, sign_in=Basic("u", locked, "seal")))
    found = failed(report)
    assert (found.stage, found.verdict) == ("auth", "worker_unfit")
    assert "NOTIFY_KEY_FILE" in found.advice[0]


def test_a_token_that_cannot_be_had_fails_the_sign_in(pool: ConnectionPool) -> None:
    with scripted_server(Script(offers=("AUTH XOAUTH2",))) as peer:
        report, _ = asked(pool, server_at(peer.port, sign_in=oauth()))
    found = failed(report)
    assert (found.stage, found.verdict) == ("auth", "misconfigured")
    assert "client_secret" in found.advice[0]
    assert isinstance(server_at(1, sign_in=oauth()).sign_in, OAuth)


def test_no_secret_is_in_a_report(pool: ConnectionPool) -> None:
    with scripted_server(Script(does={"AUTH": "535 5.7.8 no"}, offers=("AUTH LOGIN",))) as peer:
        report, seen = asked(pool, server_at(peer.port, sign_in=basic(password=SECRET)))
        said = [command for each in peer.sessions for command in each.commands if command.startswith("AUTH")]
    assert said
    for each in (report, *seen):
        text = msgspec.json.encode(each).decode() + repr(each)
        assert SECRET not in text
        assert "b3BlbiBzZXNhbWU" not in text
