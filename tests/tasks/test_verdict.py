from __future__ import annotations

import pytest

from tasks.transports.outcome import Kind, Outcome
from tasks.transports.phase import Phase
from tasks.transports.reply import Reply, read_reply
from tasks.verdict import Judgement, Scope, Verdict, judge


def replied(phase: Phase, said: str, *, reused: bool = False, accepted_before: int = 0) -> Judgement:
    code, _, text = said.partition(" ")
    reply = read_reply(int(code), [text.encode()])
    return judge(Outcome(phase, reply=reply, reused=reused, accepted_before=accepted_before))


BROKEN = [Kind.LOST, Kind.TIMEOUT, Kind.GARBLED, Kind.TLS]
BEFORE_TEXT = [phase for phase in Phase if phase.before_text]


# Row 1


@pytest.mark.parametrize("kind", BROKEN)
@pytest.mark.parametrize("reused", [False, True])
def test_silence_after_the_end_of_the_text_is_uncertain_also_on_a_reused_connection(
    kind: Kind, *, reused: bool
) -> None:
    judgement = judge(Outcome(Phase.FINAL, kind, reused=reused))
    assert (judgement.verdict, judgement.scope) == (Verdict.UNCERTAIN, Scope.MESSAGE)


@pytest.mark.parametrize("code", [100, 199, 334, 354, 399, 600])
def test_a_final_reply_that_says_neither_yes_nor_no_is_uncertain(code: int) -> None:
    assert judge(Outcome(Phase.FINAL, reply=Reply(code))).verdict is Verdict.UNCERTAIN


# Row 2


@pytest.mark.parametrize("phase", BEFORE_TEXT)
@pytest.mark.parametrize("kind", [*BROKEN, Kind.REFUSED, Kind.UNREACHABLE])
def test_a_reused_connection_that_breaks_before_the_text_is_stale(phase: Phase, kind: Kind) -> None:
    judgement = judge(Outcome(phase, kind, reused=True))
    assert (judgement.verdict, judgement.scope) == (Verdict.STALE_CONNECTION, Scope.SERVER)


@pytest.mark.parametrize(
    "said",
    [
        "421 4.4.2 mx.corp.test Error: timeout exceeded",
        "421 4.7.0 Too many messages on this connection",
        "421 4.3.2 Service not available, closing transmission channel",
        "530 5.7.57 Client not authenticated to send mail",
    ],
)
@pytest.mark.parametrize("phase", [Phase.MAIL, Phase.RCPT, Phase.DATA])
def test_a_server_that_forgot_a_reused_connection_makes_it_stale(phase: Phase, said: str) -> None:
    assert replied(phase, said, reused=True).verdict is Verdict.STALE_CONNECTION


@pytest.mark.parametrize(
    "phase, said, verdict",
    [
        (Phase.RCPT, "550 5.1.1 no such user", Verdict.RECIPIENT_REFUSED),
        (Phase.MAIL, "552 5.3.4 too big", Verdict.MESSAGE_REFUSED),
        (Phase.MAIL, "451 4.3.0 try later", Verdict.MESSAGE_WAITS),
        (Phase.RCPT, "554 5.7.1 <a@b>: Relay access denied", Verdict.MISCONFIGURED),
        (Phase.FINAL, "421 4.4.2 timeout", Verdict.SERVER_DOWN),
    ],
)
def test_any_other_reply_on_a_reused_connection_means_what_it_says(
    phase: Phase, said: str, verdict: Verdict
) -> None:
    assert replied(phase, said, reused=True).verdict is verdict


@pytest.mark.parametrize("kind", BROKEN)
def test_a_reused_connection_that_breaks_within_the_text_is_a_server_down(kind: Kind) -> None:
    assert judge(Outcome(Phase.BODY, kind, reused=True)).verdict is Verdict.SERVER_DOWN


# Row 3


@pytest.mark.parametrize(
    "phase, said",
    [
        # sign-in
        (Phase.AUTH, "535 5.7.8 Error: authentication failed: UGFzc3dvcmQ6"),
        (Phase.AUTH, "535 5.7.3 Authentication unsuccessful [AM0PR01CA0132.eurprd01.prod.exchangelabs.com]"),
        (
            Phase.AUTH,
            "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant.",
        ),
        (Phase.AUTH, "535 5.7.139 Authentication unsuccessful, user is locked by your organization's policy"),
        (Phase.AUTH, "550 5.7.30 Basic authentication is not supported for Client Submission."),
        (Phase.AUTH, "504 5.7.4 Unrecognized authentication type"),
        (Phase.AUTH, "534 5.7.9 Application-specific password required"),
        (Phase.AUTH, "538 5.7.11 Encryption required for requested authentication mechanism"),
        (Phase.AUTH, "500 5.5.2 unrecognized"),
        (Phase.AUTH, "503 5.5.1 Error: MAIL transaction in progress"),
        (Phase.MAIL, "530 5.7.57 Client not authenticated to send mail. [AM0PR01CA0132]"),
        (Phase.MAIL, "550 5.7.57 SMTP; Client was not authenticated to send anonymous mail during MAIL FROM"),
        (Phase.MAIL, "530 5.7.0 Must issue a STARTTLS command first"),
        (Phase.MAIL, "530 5.5.1 Authentication Required"),
        (Phase.RCPT, "530 5.7.0 Authentication required"),
        (Phase.RCPT, "550 Authentication is required for relay"),
        (
            Phase.RCPT,
            "503 This mail server requires authentication when attempting to send to a non-local address",
        ),
        (Phase.DATA, "535 5.7.8 not signed in"),
        (Phase.FINAL, "530 5.7.1 sign in first"),
        # relay
        (Phase.RCPT, "554 5.7.1 <boss@far.test>: Relay access denied"),
        (Phase.RCPT, "454 4.7.1 <boss@far.test>: Relay access denied"),
        (Phase.RCPT, "550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain"),
        (Phase.RCPT, "550 5.7.1 Unable to relay"),
        (Phase.RCPT, "550 5.7.64 TenantAttribution; Relay Access Denied"),
        (Phase.RCPT, "550 relay not permitted"),
        (Phase.RCPT, "550 5.7.1 boss@far.test... Relaying denied. Proper authentication required."),
        (Phase.RCPT, "554 5.7.1 Service unavailable; Client host [192.0.2.7] blocked using zen.example.org"),
        (Phase.RCPT, "554 5.7.1 <client.test[192.0.2.7]>: Client host rejected: Access denied"),
        # the right to send as the sender
        (Phase.MAIL, "550 5.7.60 SMTP; Client does not have permissions to send as this sender"),
        (Phase.FINAL, "550 5.7.60 SMTP; Client does not have permissions to send as this sender"),
        (Phase.FINAL, "554 5.2.252 SendAsDenied; notify@corp.test not allowed to send as boss@corp.test"),
        (
            Phase.FINAL,
            "554 5.2.0 STOREDRV.Submission.Exception:SendAsDeniedException.MapiExceptionSendAsDenied; Failed",
        ),
        (Phase.RCPT, "553 5.7.1 <boss@corp.test>: Sender address rejected: not owned by user notify"),
        # blocked, or refused before anything of the message was seen
        (Phase.FINAL, "550 5.7.708 Service unavailable. Access denied, traffic not accepted from this IP"),
        (Phase.GREETING, "554 5.7.1 You are not allowed to connect"),
        (Phase.MAIL, "550 5.7.1 Sender not allowed here"),
        # STARTTLS
        (Phase.TLS, "502 5.5.1 Error: command not implemented"),
        (Phase.TLS, "554 5.5.0 no"),
    ],
)
def test_sign_in_relay_and_send_as_are_a_matter_of_configuration(phase: Phase, said: str) -> None:
    judgement = replied(phase, said)
    assert (judgement.verdict, judgement.scope) == (Verdict.MISCONFIGURED, Scope.SERVER)


@pytest.mark.parametrize("phase", list(Phase))
@pytest.mark.parametrize("code", [530, 534, 535, 538])
def test_the_codes_for_sign_in_mean_it_at_any_stage(phase: Phase, code: int) -> None:
    assert judge(Outcome(phase, reply=Reply(code))).verdict is Verdict.MISCONFIGURED


@pytest.mark.parametrize("phase", list(Phase))
@pytest.mark.parametrize(
    "kind",
    [
        Kind.CERTIFICATE,
        Kind.CA_BUNDLE,
        Kind.CLIENT_CERTIFICATE,
        Kind.STARTTLS_MISSING,
        Kind.TLS_UNUSABLE,
        Kind.AUTH_MISSING,
        Kind.CREDENTIALS,
        Kind.TOKEN,
        Kind.SENDER_ADDRESS,
        Kind.SERVER_ADDRESS,
    ],
)
def test_certificates_tokens_and_missing_extensions_are_a_matter_of_configuration(
    phase: Phase, kind: Kind
) -> None:
    judgement = judge(Outcome(phase, kind))
    assert (judgement.verdict, judgement.reason) == (Verdict.MISCONFIGURED, kind.value)


@pytest.mark.parametrize(
    "phase, said, verdict",
    [
        (Phase.FINAL, "554 5.7.1 Message rejected as spam by content filter", Verdict.MESSAGE_REFUSED),
        (
            Phase.FINAL,
            "552 5.7.0 This message was blocked because its content is a risk",
            Verdict.MESSAGE_REFUSED,
        ),
        (
            Phase.FINAL,
            "550 5.7.509 Access denied, sending domain does not pass DMARC",
            Verdict.MESSAGE_REFUSED,
        ),
        (Phase.RCPT, "550 5.7.1 <a@b>: Recipient address rejected: Access denied", Verdict.RECIPIENT_REFUSED),
        (
            Phase.RCPT,
            "550 5.7.1 RESOLVER.RST.AuthRequired; authentication required",
            Verdict.RECIPIENT_REFUSED,
        ),
        (
            Phase.RCPT,
            "550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup; sender not authenticated for group",
            Verdict.RECIPIENT_REFUSED,
        ),
    ],
)
def test_a_policy_about_the_content_or_one_recipient_is_no_matter_of_configuration(
    phase: Phase, said: str, verdict: Verdict
) -> None:
    assert replied(phase, said).verdict is verdict


# Row 4


@pytest.mark.parametrize(
    "phase, said, seconds",
    [
        (
            Phase.FINAL,
            "432 4.3.2 Concurrent connections limit exceeded. Visit https://aka.ms/concurrent_sending",
            None,
        ),
        (Phase.FINAL, "432 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded [Hostname=X]", None),
        (Phase.MAIL, "421 4.3.2 The maximum number of concurrent connections has exceeded a limit", None),
        (Phase.MAIL, "451 4.3.2 Please try again later", None),
        (Phase.MAIL, "451 4.7.500 Server busy. Please try again later from [192.0.2.7].", None),
        (Phase.RCPT, "451 4.7.500 Server busy. Please try again later from [192.0.2.7].", None),
        (Phase.GREETING, "421 4.7.0 Error: too many connections from 192.0.2.7", None),
        (Phase.AUTH, "454 4.7.0 Too many connections for this account", None),
        (Phase.FINAL, "454 Throttling failure: Maximum sending rate exceeded.", None),
        (Phase.FINAL, "454 Throttling failure: Daily message quota exceeded.", None),
        (Phase.MAIL, "450 4.2.1 Mailbox quota reached", None),
        (Phase.FINAL, "452 4.2.2 Mailbox full", None),
        (
            Phase.FINAL,
            "554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException; Failed to process",
            None,
        ),
        (Phase.FINAL, "554 5.2.2 mailbox full; STOREDRV.Submission.Exception:QuotaExceededException", None),
        (Phase.RCPT, "550 5.4.5 Daily SMTP relay sending limit exceeded for user", None),
        (Phase.FINAL, "550 5.1.90 Your message can't be sent because you've reached your daily limit", None),
        (Phase.FINAL, "550 5.7.232 Your message can't be sent because the tenant reached its limit", None),
        (Phase.MAIL, "450 4.4.0 Slow down, retry after 120", 120),
        (Phase.MAIL, "451 Retry-After: 90", 90),
        (Phase.FINAL, "450 4.5.0 please try again in 5 minutes", 300),
        (Phase.FINAL, "450 4.7.1 too fast, wait 2 hours", 7200),
        (Phase.FINAL, "452 4.7.1 rate limit of 30 messages in 60 seconds", 60),
    ],
)
def test_limits_of_pace_connections_and_quota_throttle(phase: Phase, said: str, seconds: int | None) -> None:
    judgement = replied(phase, said)
    assert (judgement.verdict, judgement.scope) == (Verdict.THROTTLED, Scope.SERVER)
    assert judgement.retry_after_seconds == seconds


@pytest.mark.parametrize("phase", list(Phase))
def test_432_throttles_at_any_stage(phase: Phase) -> None:
    assert judge(Outcome(phase, reply=Reply(432))).verdict is Verdict.THROTTLED


@pytest.mark.parametrize(
    "phase, said, verdict",
    [
        # the recipient's box, not the sender's
        (Phase.RCPT, "452 4.2.2 The recipient's mailbox is over quota", Verdict.RECIPIENT_WAITS),
        (Phase.RCPT, "552 5.2.2 Mailbox full", Verdict.RECIPIENT_REFUSED),
        # one pair of sender and recipient, not the server
        (Phase.RCPT, "450 4.7.1 <a@b>: Recipient address rejected: Greylisted", Verdict.RECIPIENT_WAITS),
        # the server's own trouble, where another server does better
        (Phase.TLS, "454 4.7.0 TLS not available due to local problem", Verdict.SERVER_DOWN),
        (Phase.AUTH, "454 4.7.0 Temporary authentication failure: connection lost", Verdict.SERVER_DOWN),
        (Phase.GREETING, "421 4.3.2 Service not available", Verdict.SERVER_DOWN),
        (Phase.MAIL, "421 4.3.2 Service not active", Verdict.SERVER_DOWN),
        # a time that is no wait
        (Phase.MAIL, "421 4.4.2 timeout exceeded after 300 seconds", Verdict.SERVER_DOWN),
    ],
)
def test_what_only_looks_like_a_limit_does_not_hold_the_whole_server_back(
    phase: Phase, said: str, verdict: Verdict
) -> None:
    assert replied(phase, said).verdict is verdict


@pytest.mark.parametrize(
    "said",
    [
        "450 4.2.0 <a@b>: Greylisted, please try again in 300 seconds",
        "451 4.7.1 Greylisting in action, please come back in 00:05:00 or 300 seconds",
        "450 4.2.1 mailbox busy, retry after 300",
    ],
)
def test_a_wait_that_is_named_for_one_recipient_is_that_recipients(said: str) -> None:
    judgement = replied(Phase.RCPT, said)
    assert (judgement.verdict, judgement.retry_after_seconds) == (Verdict.RECIPIENT_WAITS, 300)


# Row 5


@pytest.mark.parametrize(
    "kind", [Kind.REFUSED, Kind.UNREACHABLE, Kind.TIMEOUT, Kind.LOST, Kind.GARBLED, Kind.DNS, Kind.TLS]
)
@pytest.mark.parametrize("phase", [phase for phase in Phase if phase is not Phase.FINAL])
def test_a_fresh_connection_that_breaks_before_the_end_of_the_text_is_a_server_down(
    kind: Kind, phase: Phase
) -> None:
    judgement = judge(Outcome(phase, kind))
    assert (judgement.verdict, judgement.scope) == (Verdict.SERVER_DOWN, Scope.SERVER)


@pytest.mark.parametrize("phase", list(Phase))
def test_421_on_a_fresh_connection_is_a_server_down_at_any_stage(phase: Phase) -> None:
    assert replied(phase, "421 closing").verdict is Verdict.SERVER_DOWN


@pytest.mark.parametrize("phase", [Phase.GREETING, Phase.EHLO, Phase.NOOP])
@pytest.mark.parametrize(
    "said", ["450 busy", "451 4.3.0 no queue", "500 what", "554 5.3.2 not today", "521 no mail"]
)
def test_any_refusal_of_greeting_and_ehlo_is_a_server_down(phase: Phase, said: str) -> None:
    assert replied(phase, said).verdict is Verdict.SERVER_DOWN


def test_a_token_that_may_come_later_is_a_server_down_and_keeps_the_wait() -> None:
    judgement = judge(Outcome(Phase.AUTH, Kind.TOKEN_LATER, retry_after_seconds=30))
    assert (judgement.verdict, judgement.retry_after_seconds) == (Verdict.SERVER_DOWN, 30)
