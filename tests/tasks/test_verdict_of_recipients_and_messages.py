from __future__ import annotations

import pytest

from tasks.transports.outcome import Kind, Outcome
from tasks.transports.phase import Phase
from tasks.transports.reply import read_reply
from tasks.verdict import Judgement, Scope, Verdict, judge


def replied(phase: Phase, said: str, *, reused: bool = False, accepted_before: int = 0) -> Judgement:
    code, _, text = said.partition(" ")
    reply = read_reply(int(code), [text.encode()])
    return judge(Outcome(phase, reply=reply, reused=reused, accepted_before=accepted_before))


# Row 6


@pytest.mark.parametrize(
    "said",
    [
        "452 4.5.3 Error: too many recipients",
        "452 Too many recipients",
        "552 Too many recipients",
        "552 5.5.3 Too many recipients",
        "451 4.5.3 Too many recipients this time",
    ],
)
def test_too_many_recipients_after_an_accepted_one_are_split(said: str) -> None:
    judgement = replied(Phase.RCPT, said, accepted_before=1)
    assert (judgement.verdict, judgement.scope) == (Verdict.TOO_MANY, Scope.RECIPIENT)


@pytest.mark.parametrize(
    "said, verdict",
    [
        ("452 4.5.3 Error: too many recipients", Verdict.RECIPIENT_WAITS),
        ("552 5.5.3 Too many recipients", Verdict.RECIPIENT_WAITS),
        ("552 Mailbox full", Verdict.RECIPIENT_REFUSED),
    ],
)
def test_too_many_recipients_at_the_very_first_cannot_be_split(said: str, verdict: Verdict) -> None:
    assert replied(Phase.RCPT, said, accepted_before=0).verdict is verdict


@pytest.mark.parametrize(
    "said, verdict",
    [
        ("452 4.2.2 Mailbox full", Verdict.RECIPIENT_WAITS),
        ("452 4.3.1 Insufficient system storage", Verdict.RECIPIENT_WAITS),
        ("552 5.2.2 Mailbox full", Verdict.RECIPIENT_REFUSED),
        ("552 5.3.4 Too large for this mailbox", Verdict.RECIPIENT_REFUSED),
        ("550 5.1.1 no such user", Verdict.RECIPIENT_REFUSED),
    ],
)
def test_452_and_552_about_one_recipient_split_nothing(said: str, verdict: Verdict) -> None:
    assert replied(Phase.RCPT, said, accepted_before=3).verdict is verdict


@pytest.mark.parametrize("phase", [Phase.MAIL, Phase.DATA, Phase.FINAL])
def test_452_about_the_message_is_no_matter_of_recipients(phase: Phase) -> None:
    assert (
        replied(phase, "452 4.3.1 Insufficient storage", accepted_before=2).verdict is Verdict.MESSAGE_WAITS
    )


# Rows 7 and 8


@pytest.mark.parametrize(
    "said", ["450 4.2.0 mailbox busy", "451 4.3.0 lookup failed", "450 4.1.1 unverified", "499"]
)
def test_4xx_on_rcpt_lets_that_recipient_wait(said: str) -> None:
    judgement = replied(Phase.RCPT, said)
    assert (judgement.verdict, judgement.scope) == (Verdict.RECIPIENT_WAITS, Scope.RECIPIENT)


@pytest.mark.parametrize(
    "said",
    [
        "550 5.1.1 <x@corp.test>: Recipient address rejected: User unknown",
        "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup",
        "550 5.5.105 internal recipients only",
        "501 5.1.3 Bad recipient address syntax",
        "553 sorry, that domain isn't in my list",
        "551 User not local",
        "556 domain does not accept mail",
        "550 5.2.1 mailbox disabled",
    ],
)
def test_5xx_on_rcpt_refuses_that_recipient(said: str) -> None:
    judgement = replied(Phase.RCPT, said)
    assert (judgement.verdict, judgement.scope) == (Verdict.RECIPIENT_REFUSED, Scope.RECIPIENT)


def test_an_address_that_cannot_be_sent_refuses_that_recipient() -> None:
    judgement = judge(Outcome(Phase.RCPT, Kind.RECIPIENT_ADDRESS, detail="the recipient's address is empty"))
    assert judgement == Judgement(
        Verdict.RECIPIENT_REFUSED, Scope.RECIPIENT, "the recipient's address is empty"
    )


# Rows 9, 10 and 11


@pytest.mark.parametrize("phase", [Phase.MAIL, Phase.DATA, Phase.BODY, Phase.FINAL])
@pytest.mark.parametrize(
    "said", ["450 4.1.8 no", "451 4.3.0 queue file write error", "452 4.3.1 disk full", "451 Aborted"]
)
def test_4xx_about_the_message_lets_it_wait(phase: Phase, said: str) -> None:
    judgement = replied(phase, said)
    assert (judgement.verdict, judgement.scope) == (Verdict.MESSAGE_WAITS, Scope.MESSAGE)


@pytest.mark.parametrize("phase", [Phase.MAIL, Phase.DATA, Phase.BODY, Phase.FINAL])
@pytest.mark.parametrize(
    "said",
    [
        "552 5.3.4 too large",
        "554 5.6.0 malformed",
        "554 Transaction failed",
        "550 5.5.3 RESOLVER.ADR.RecipLimit",
    ],
)
def test_5xx_about_the_message_refuses_it(phase: Phase, said: str) -> None:
    judgement = replied(phase, said)
    assert (judgement.verdict, judgement.scope) == (Verdict.MESSAGE_REFUSED, Scope.MESSAGE)


@pytest.mark.parametrize("kind", [Kind.TOO_LARGE, Kind.UTF8_MISSING])
def test_a_message_that_the_server_cannot_take_is_refused_before_it_is_sent(kind: Kind) -> None:
    judgement = judge(Outcome(Phase.MAIL, kind))
    assert (judgement.verdict, judgement.scope) == (Verdict.MESSAGE_REFUSED, Scope.MESSAGE)


@pytest.mark.parametrize(
    "said", ["250 2.0.0 Ok: queued as 4F2A", "250", "250 2.0.0 quota 90%, retry after 5 s"]
)
def test_a_yes_to_the_dot_is_delivered(said: str) -> None:
    judgement = replied(Phase.FINAL, said)
    assert (judgement.verdict, judgement.scope) == (Verdict.DELIVERED, Scope.MESSAGE)
