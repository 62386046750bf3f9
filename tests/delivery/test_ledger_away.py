"""Redis goes away at every step of a pass, before or after it did what was asked: nobody gets it twice."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
import redis

from settings_store.keyring import Keyring
from settings_store.redis_client import connect
from tests.rigs.delivery_bench import ID, Bench, once
from tests.rigs.delivery_servers import MailServer
from tests.rigs.losing_ledger import Losing, Loss
from tests.rigs.scripted_smtp import Drop
from tests.rigs.severable import severable

A, B = "a@x.test", "b@x.test"


@pytest.fixture
def losing(redis_server: redis.Redis) -> Losing:
    return Losing(redis_server)


@pytest.fixture
def bench(redis_server: redis.Redis, keyring: Keyring, losing: Losing) -> Iterator[Bench]:
    """A worker whose ledger loses what the test says."""
    bench = Bench(redis_server, keyring, worker_ledger=losing, pause=losing.pauses.append)
    yield bench
    bench.close()


def test_a_claim_that_did_not_reach_the_ledger_leaves_it_due(
    bench: Bench, losing: Losing, primary: MailServer
) -> None:
    losing.losses["claim"] = ["before"]
    bench.accept_email()
    with pytest.raises(redis.ConnectionError):
        bench.deliver()
    assert bench.state() == "queued"
    assert bench.deliver().state == "delivered"
    assert primary.heard == [A]


def test_a_claim_whose_reply_was_lost_runs_out_and_is_taken_again(
    bench: Bench, losing: Losing, primary: MailServer
) -> None:
    losing.losses["claim"] = ["after"]
    bench.accept_email()
    with pytest.raises(redis.ConnectionError):
        bench.deliver()
    assert bench.state() == "sending"
    assert bench.again().state == "delivered"
    assert bench.clock.now_ms == bench.record().accepted_at_ms + 30_000
    assert primary.heard == [A]


@pytest.mark.parametrize("when", ["before", "after"])
def test_without_an_answer_to_the_intent_no_dot_leaves_and_the_notification_is_given_back(
    bench: Bench, losing: Losing, primary: MailServer, secondary: MailServer, when: Loss
) -> None:
    losing.losses["intend"] = [when]
    bench.accept_email()
    result = bench.deliver()
    assert (result.state, result.reason, result.wait_seconds) == ("queued", "the ledger did not answer", 1.0)
    assert primary.texts == secondary.texts == []
    record = bench.record()
    assert (record.passes, record.lapses) == (0, 0)
    assert not bench.has_intent()
    assert bench.again().state == "delivered"
    assert (primary.heard, secondary.heard) == ([A], [])


@pytest.mark.parametrize("losses", list(itertools.product(["before", "after"], repeat=2)))
def test_an_end_is_told_again_until_the_ledger_answers_and_is_kept_once(
    bench: Bench, losing: Losing, primary: MailServer, losses: tuple[Loss, ...]
) -> None:
    losing.losses["finish"] = [*losses]
    bench.accept_email()
    assert bench.deliver().state == "delivered"
    assert losing.pauses == [0.1, 0.2]
    assert primary.heard == [A]
    assert bench.story() == ["primary_email final delivered"]
    assert bench.record().passes == 1


def test_the_pauses_grow_to_five_seconds_and_the_end_is_never_given_up(
    bench: Bench, losing: Losing, primary: MailServer
) -> None:
    losing.losses["finish"] = ["before"] * 50
    bench.accept_email()
    assert bench.deliver().state == "delivered"
    assert losing.pauses[:7] == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0])
    assert set(losing.pauses[6:]) == {5.0}
    assert len(losing.pauses) == 50
    assert primary.heard == [A]


@pytest.mark.parametrize("when", ["before", "after"])
def test_what_one_server_took_is_not_lost_with_the_reply_to_the_record_of_it(
    bench: Bench, losing: Losing, primary: MailServer, secondary: MailServer, when: Loss
) -> None:
    losing.losses["record"] = [when]
    primary.answers[f"RCPT {B}"] = "450 4.2.1 busy"
    bench.accept_email(A, B)
    assert bench.deliver().state == "delivered"
    assert losing.pauses == [0.1]
    assert (primary.heard, secondary.heard) == ([A], [B])
    assert bench.story() == [
        "primary_email rcpt recipient_waits",
        "primary_email final delivered",
        "secondary_email final delivered",
    ]


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_uncertain_end_survives_a_ledger_that_is_away(
    bench: Bench, losing: Losing, primary: MailServer, secondary: MailServer, when: Loss
) -> None:
    losing.losses["finish"] = [when]
    primary.answers["DOT"] = [Drop()]
    bench.accept_email()
    assert bench.deliver().wait_seconds == 60.0
    assert bench.outcomes() == "u"
    assert bench.again().state == "delivered"
    assert (primary.heard, secondary.heard) == ([A, A], [])


def test_a_hold_is_told_again_too(bench: Bench, losing: Losing) -> None:
    losing.losses["finish"] = ["before", "after"]
    bench.accept_email()
    assert bench.deliver().state == "held"
    assert losing.pauses == [0.1, 0.2]


def test_a_claim_that_was_lost_while_the_ledger_was_away_still_tells_what_was_delivered(
    bench: Bench, losing: Losing, primary: MailServer
) -> None:
    def gone_for_long(_seconds: float) -> None:
        bench.clock.advance(31)
        bench.ledger.sweep("normal", room=10)
        assert (bench.state(), bench.outcomes()) == ("waiting", "u")

    losing.losses["finish"] = ["before"]
    bench.deliverer = bench.new_deliverer(ledger=losing, pause=gone_for_long)
    bench.accept_email()
    result = bench.deliver()
    assert (result.state, result.ran) == ("delivered", False)
    assert bench.state() == "delivered"
    assert primary.heard == [A]


@pytest.mark.parametrize("step", ["MAIL", "DATA", "DOT"])
def test_a_redis_that_goes_away_in_the_middle_of_a_pass_and_comes_back_costs_no_second_copy(
    redis_server: redis.Redis, valkey_url: str, keyring: Keyring, step: str
) -> None:
    with severable(valkey_url) as way:
        client = connect(f"redis://127.0.0.1:{way.port}/0", retries=0)
        bench = Bench(client, keyring, pause=lambda _seconds: way.mend())
        primary = MailServer()
        primary.start()
        bench.use(primary_email=primary)
        bench.accept_email(A, B)
        primary.answers[step] = once(way.cut)
        state = bench.deliver().state
        assert state == ("delivered" if step == "DOT" else "queued")
        if state == "queued":
            assert primary.texts == []
            assert bench.again().state == "delivered"
        assert primary.heard == [A, B]
        assert bench.record().lapses == 0
        assert redis_server.hget(f"notify:n:{ID}", "state") == "delivered"
        bench.close()
        primary.stop()
        client.close()


def test_nothing_of_what_the_library_says_is_logged(
    bench: Bench, losing: Losing, primary: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    losing.losses.update({"intend": ["before"], "finish": ["before"]})
    bench.accept_email()
    assert bench.deliver().state == "queued"
    assert primary.texts == []
    messages = [record.getMessage() for record in caplog.records]
    assert messages == [
        f"ledger_away notification={ID} error=ConnectionError",
        "ledger_away error=ConnectionError again_in=0.1",
    ]
