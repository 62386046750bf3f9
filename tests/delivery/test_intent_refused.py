"""No intent, no dot: whatever the ledger has against a text, the server never sees one that is whole."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tasks.ledger import Claim, Results
from tests.rigs.delivery_bench import ID, Bench, once
from tests.rigs.delivery_servers import MailServer

A, B = "a@x.test", "b@x.test"
#: A minute after the clock of the tests begins.
EXPIRES = "2027-01-15T08:01:00Z"


@pytest.fixture(autouse=True)
def nothing_whole(primary: MailServer, secondary: MailServer) -> Callable[[], bool]:
    """Whether neither server saw a text with its dot."""
    return lambda: primary.texts == secondary.texts == []


def test_a_claim_that_went_to_somebody_else_sends_nothing(
    bench: Bench, primary: MailServer, nothing_whole: Callable[[], bool]
) -> None:
    def lose() -> None:
        bench.clock.advance(31)
        assert isinstance(bench.ledger.claim(ID, worker="other"), Claim)

    primary.answers["DATA"] = once(lose)
    bench.accept_email()
    result = bench.deliver()
    assert (result.state, result.ran, result.reason) == (
        "sending",
        False,
        "the claim went to another worker",
    )
    assert nothing_whole()
    assert bench.state() == "sending"


def test_a_claim_that_was_lost_while_a_server_had_the_text_goes_no_further_and_keeps_what_was_taken(
    bench: Bench, primary: MailServer, secondary: MailServer
) -> None:
    def lose() -> None:
        bench.clock.advance(31)
        bench.ledger.sweep("normal", room=10)

    primary.answers[f"RCPT {B}"] = "450 4.2.1 busy"
    primary.answers["DOT"] = once(lose)
    bench.accept_email(A, B)
    assert not bench.deliver().ran
    assert bench.outcomes() == "do"
    assert secondary.connections == 0
    primary.answers.clear()
    assert bench.again().state == "delivered"
    assert primary.heard == [A, B]


def test_a_claim_at_its_longest_sends_nothing_and_goes_back_to_the_schedule(
    bench: Bench, primary: MailServer, nothing_whole: Callable[[], bool]
) -> None:
    primary.answers["DATA"] = once(lambda: bench.clock.advance(901))
    bench.accept_email()
    result = bench.deliver()
    assert (result.state, result.wait_seconds) == ("waiting", 15.0)
    assert result.reason == "the pass took longer than a claim may"
    assert nothing_whole()
    record = bench.record()
    assert (record.passes, record.lapses) == (1, 0)
    assert bench.again().state == "delivered"


def test_a_cancelled_one_is_not_sent(
    bench: Bench, primary: MailServer, nothing_whole: Callable[[], bool]
) -> None:
    primary.answers["DATA"] = once(lambda: bench.ledger.cancel(ID, by="ops"))
    bench.accept_email()
    result = bench.deliver()
    assert (result.state, result.wait_seconds) == ("cancelled", 0.0)
    assert nothing_whole()
    assert bench.outcomes() == "o"


def test_one_cancelled_after_somebody_has_it_is_not_sent_to_the_others(
    bench: Bench, primary: MailServer, secondary: MailServer
) -> None:
    primary.answers["DOT"] = once(lambda: bench.ledger.cancel(ID, by="ops"))
    bench.accept_text(A, B)
    assert bench.deliver().state == "cancelled"
    assert bench.outcomes() == "do"
    assert primary.heard == [A]
    assert secondary.connections == 0


def test_one_whose_time_is_over_is_not_sent(
    bench: Bench, primary: MailServer, nothing_whole: Callable[[], bool]
) -> None:
    primary.answers["DATA"] = once(lambda: bench.clock.advance(61))
    bench.accept_email(expires=EXPIRES)
    result = bench.deliver()
    assert (result.state, result.wait_seconds) == ("expired", 0.0)
    assert result.reason == "its time was over before the text could be sent"
    assert nothing_whole()


def test_a_recipient_whom_a_late_reply_settled_is_not_sent_to_again(
    bench: Bench, primary: MailServer, nothing_whole: Callable[[], bool]
) -> None:
    bench.accept_email(A)
    slow = bench.ledger.claim(ID, worker="slow")
    assert isinstance(slow, Claim)
    bench.clock.advance(31)
    late = Results(outcomes={0: "d"}, entries=[{"verdict": "delivered"}])
    primary.answers["DATA"] = once(
        lambda: bench.ledger.finish(slow, then="waiting", results=late, reason="late")
    )
    result = bench.deliver()
    assert (result.state, result.reason) == ("delivered", "a late reply said delivered")
    assert nothing_whole()


def test_a_late_reply_for_one_leaves_the_others_to_be_sent_to_at_once(
    bench: Bench, primary: MailServer
) -> None:
    bench.accept_email(A, B)
    slow = bench.ledger.claim(ID, worker="slow")
    assert isinstance(slow, Claim)
    bench.clock.advance(31)
    late = Results(outcomes={0: "d"}, entries=[{"verdict": "delivered"}])
    primary.answers["DATA"] = once(
        lambda: bench.ledger.finish(slow, then="waiting", results=late, reason="late")
    )
    result = bench.deliver()
    assert (result.state, result.wait_seconds) == ("queued", 0.0)
    assert primary.texts == []
    assert bench.record().passes == 0
    assert bench.again().state == "delivered"
    assert primary.heard == [B]


def test_options_saved_after_the_envelope_stop_the_text_of_the_old_ones(
    bench: Bench, primary: MailServer, secondary: MailServer
) -> None:
    primary.answers["DATA"] = once(lambda: bench.use(primary_email=secondary, secondary_email=None))
    bench.accept_email()
    assert bench.deliver().state == "delivered"
    assert primary.texts == []
    assert secondary.heard == [A]
