"""An e-mail that does not get through is followed by a text, once, whatever happens in between."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from settings_store.keyring import Keyring
from tasks.escalation import child_id
from tasks.escalation_limit import EscalationLimit
from tasks.ledger import LedgerUnavailable
from tasks.ledger.queries import Record
from tasks.notification import load
from tests.rigs.clock import TEST_CLOCK
from tests.rigs.delivery_bench import ID, Bench, once
from tests.rigs.delivery_servers import MailServer
from tests.rigs.losing_ledger import Losing, Loss, WorkerDied

PHONE = "4915112345@sms.test"
ON_CALL = "4915199999@sms.test"
UNKNOWN = "550 5.1.1 no such user"


@pytest.fixture
def losing(redis_server: redis.Redis) -> Losing:
    return Losing(redis_server)


@pytest.fixture
def bench(redis_server: redis.Redis, keyring: Keyring, losing: Losing) -> Iterator[Bench]:
    bench = Bench(redis_server, keyring, worker_ledger=losing, pause=losing.pauses.append)
    yield bench
    bench.close()


@pytest.fixture(autouse=True)
def both_down(primary: MailServer, secondary: MailServer) -> None:
    primary.go_down()
    secondary.go_down()


def texts(bench: Bench) -> list[Record]:
    """Every text in the ledger."""
    found = [bench.queries.get(each.id) for each in bench.queries.page().summaries]
    return [record for record in found if record is not None and record.channel == "text"]


def events(record: Record) -> list[str]:
    return [entry["verdict"] for entry in record.timeline if not entry.get("server")]


def test_after_the_second_pass_the_text_is_accepted_and_the_email_goes_on(
    bench: Bench, primary: MailServer
) -> None:
    bench.accept_email(escalate_text_to=[PHONE], subject="Payroll failed", message="code [[code]]")
    assert bench.deliver().state == "waiting"
    assert texts(bench) == []
    assert bench.again().state == "waiting"
    (child,) = texts(bench)
    assert (child.id, child.state, child.lane) == (child_id(ID), "queued", "high")
    content = load(child.content)
    assert content.to == (PHONE,)
    assert content.message == "Mail 1 undelivered: Payroll failed: code [[code]]"
    primary.come_up()
    assert bench.again().state == "delivered"
    assert len(texts(bench)) == 1


def test_the_timelines_name_each_other(bench: Bench) -> None:
    bench.accept_email(escalate_text_to=[PHONE, ON_CALL])
    bench.deliver()
    bench.again()
    (child,) = texts(bench)
    (told,) = [entry for entry in bench.timeline() if entry["verdict"] == "escalated"]
    assert told["reason"] == f"the text ID={child.number} goes to 2 recipients ({child.id})"
    assert (told["notification"], told["number"]) == (child.id, child.number)
    (origin,) = child.timeline
    assert origin["verdict"] == "escalation"
    assert origin["reason"] == f"follows the e-mail ID=1, which did not get through ({ID})"
    assert (origin["notification"], origin["number"]) == (ID, 1)


def test_a_text_of_the_very_pass_in_which_its_email_is_cancelled_is_not_sent(
    bench: Bench, primary: MailServer
) -> None:
    bench.accept_email(escalate_text_to=[PHONE])
    bench.deliver()
    primary.come_up()
    primary.answers["MAIL"] = once(lambda: bench.ledger.cancel(ID, by="test"))
    primary.answers["RCPT"] = "451 4.3.0 later"
    assert bench.again().state == "cancelled"
    (child,) = texts(bench)
    assert child.state == "cancelled"
    assert child.timeline[-1]["reason"] == "cancelled by escalation: its e-mail is cancelled"


def test_an_email_that_is_sent_again_later_is_followed_by_no_second_text(bench: Bench) -> None:
    bench.accept_email(escalate_text_to=[PHONE])
    bench.run_out()
    (child,) = texts(bench)
    bench.ledger.cancel(child.id, by="test")
    bench.ledger.replay(ID, age_limit_ms=3_600_000, by="test", why="again", even_expired=True)
    bench.deliver()
    bench.again()
    assert [record.id for record in texts(bench)] == [child.id]
    last = [entry for entry in bench.timeline() if entry["verdict"] == "escalated"][-1]
    assert last["reason"] == f"the text ID={child.number} went to 1 recipient ({child.id})"


def test_nobody_gets_a_text_unless_somebody_is_named(bench: Bench) -> None:
    bench.accept_email()
    assert bench.run_out().state == "expired"
    assert texts(bench) == []


def test_the_list_of_the_options_holds_for_those_who_name_nobody(bench: Bench) -> None:
    bench.set(escalation__text_to=f"{ON_CALL}, {PHONE}")
    bench.accept_email()
    bench.deliver()
    bench.again()
    (child,) = texts(bench)
    assert load(child.content).to == (ON_CALL, PHONE)


def test_an_email_s_own_list_comes_before_that_of_the_options(bench: Bench) -> None:
    bench.set(escalation__text_to=ON_CALL)
    bench.accept_email(escalate_text_to=[PHONE])
    bench.deliver()
    bench.again()
    (child,) = texts(bench)
    assert load(child.content).to == (PHONE,)


def test_turned_off_there_is_none_and_turned_on_it_comes_with_the_next_pass(bench: Bench) -> None:
    bench.set(escalation__enabled=False)
    bench.accept_email(escalate_text_to=[PHONE])
    for _ in range(3):
        bench.deliver()
        bench.wait()
    assert texts(bench) == []
    bench.set(escalation__enabled=True)
    bench.deliver()
    assert len(texts(bench)) == 1


@pytest.mark.parametrize("after", [1, 3])
def test_how_many_passes_come_before_it_is_an_option(bench: Bench, after: int) -> None:
    bench.set(escalation__after_passes=after)
    bench.accept_email(escalate_text_to=[PHONE])
    for made in range(1, 5):
        bench.deliver()
        assert len(texts(bench)) == (1 if made >= after else 0)
        bench.wait()


def test_servers_that_are_known_to_be_down_are_not_tried_and_the_text_comes_all_the_same(
    bench: Bench, primary: MailServer, secondary: MailServer
) -> None:
    bench.set(delivery__breaker_failures=1)
    bench.accept_email(escalate_text_to=[PHONE])
    bench.deliver()
    connections = (primary.connections, secondary.connections)
    assert texts(bench) == []
    assert bench.again().state == "waiting"
    assert (primary.connections, secondary.connections) == connections
    assert bench.record().passes == 1
    assert len(texts(bench)) == 1


def test_a_server_that_asks_for_patience_makes_no_failed_pass(bench: Bench, primary: MailServer) -> None:
    bench.use(secondary_email=None)
    primary.come_up()
    primary.answers["MAIL"] = "450 4.7.1 too many messages, try again in 20 seconds"
    bench.accept_email(escalate_text_to=[PHONE])
    for _ in range(3):
        bench.deliver()
        bench.wait()
    assert bench.record().passes == 0
    assert texts(bench) == []


def test_one_that_everybody_refuses_at_once_is_followed_by_its_text_at_once(
    bench: Bench, primary: MailServer, secondary: MailServer
) -> None:
    for server in (primary, secondary):
        server.come_up()
        server.answers["RCPT"] = UNKNOWN
    bench.accept_email(escalate_text_to=[PHONE])
    assert bench.deliver().state == "failed"
    assert len(texts(bench)) == 1
    assert events(bench.record()) == ["escalated"]


def test_one_refused_address_beside_one_that_was_reached_calls_nobody(
    bench: Bench, primary: MailServer, secondary: MailServer
) -> None:
    for server in (primary, secondary):
        server.come_up()
        server.answers["RCPT b@x.test"] = UNKNOWN
    bench.accept_email("a@x.test", "b@x.test", escalate_text_to=[PHONE])
    assert bench.deliver().state == "partial"
    assert texts(bench) == []


@pytest.mark.parametrize("step", ["accept", "finish"])
@pytest.mark.parametrize("loss", ["before", "after", "dies before", "dies after"])
def test_a_worker_that_ends_or_loses_redis_in_between_neither_loses_nor_doubles_it(
    bench: Bench, losing: Losing, step: str, loss: Loss
) -> None:
    bench.accept_email(escalate_text_to=[PHONE])
    bench.deliver()
    bench.wait()
    losing.losses[step] = [loss]
    if loss.startswith("dies"):
        with pytest.raises(WorkerDied):
            bench.deliver()
        # Whether or not the e-mail's pass was finished, its text is accepted before.
        assert len(texts(bench)) == (0 if (step, loss) == ("accept", "dies before") else 1)
        bench.clock.advance(31)
        bench.again()
    else:
        bench.deliver()
    assert len(texts(bench)) == 1
    assert events(bench.record()).count("escalated") == 1


def test_a_list_that_changed_after_a_worker_died_over_the_pass_makes_no_second_text(
    bench: Bench, losing: Losing
) -> None:
    bench.set(escalation__text_to=PHONE)
    bench.accept_email()
    bench.deliver()
    bench.wait()
    losing.losses["finish"] = ["dies before"]
    with pytest.raises(WorkerDied):
        bench.deliver()
    bench.set(escalation__text_to=ON_CALL)
    bench.clock.advance(31)
    bench.again()
    (child,) = texts(bench)
    assert load(child.content).to == (PHONE,)
    assert events(bench.record()) == ["lease_over", "escalated"]


def test_a_ledger_that_is_full_lets_the_email_go_on_and_takes_the_text_with_a_later_pass(
    bench: Bench, losing: Losing, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise LedgerUnavailable("full")

    bench.accept_email(escalate_text_to=[PHONE])
    bench.deliver()
    with monkeypatch.context() as patched:
        patched.setattr(losing, "accept", full)
        assert bench.again().state == "waiting"
    assert texts(bench) == []
    assert bench.again().state == "waiting"
    assert len(texts(bench)) == 1


def test_a_publisher_who_uses_its_key_or_its_id_cannot_keep_it_away(bench: Bench) -> None:
    bench.accept_email(escalate_text_to=[PHONE], key=f"escalation {ID}")
    bench.deliver()
    bench.again()
    assert len(texts(bench)) == 1


def test_a_mail_without_words_still_makes_a_text(bench: Bench) -> None:
    bench.accept_email(
        escalate_text_to=[PHONE], subject="", message="", html="<p>x</p>", context={"trigger": "Job Failed"}
    )
    bench.deliver()
    bench.again()
    (child,) = texts(bench)
    assert load(child.content).message == "Mail 1 undelivered: Job Failed"


def test_the_text_is_not_sent_after_the_email_s_own_end(bench: Bench) -> None:
    bench.accept_email(escalate_text_to=[PHONE], expires="2027-01-15T08:01:00Z")
    bench.deliver()
    bench.again()
    (child,) = texts(bench)
    assert child.expires_at_ms == bench.record().expires_at_ms


def test_a_held_email_is_followed_by_a_text_where_an_sms_server_is_set(bench: Bench) -> None:
    bench.set(primary_email__server_name="", primary_sms__server_name="sms.test")
    bench.accept_email(escalate_text_to=[PHONE])
    assert bench.deliver().state == "held"
    assert texts(bench) == []
    bench.ledger.release_held(bench.store.snapshot().revision + 1)
    assert bench.deliver().state == "held"
    assert len(texts(bench)) == 1
    assert events(bench.record()) == ["escalated"]


def test_a_held_email_is_followed_by_no_text_that_would_be_held_too(bench: Bench) -> None:
    bench.set(primary_email__server_name="")
    bench.accept_email(escalate_text_to=[PHONE])
    for _ in range(4):
        assert bench.deliver().state == "held"
        bench.ledger.release_held(bench.store.snapshot().revision + 1)
    assert texts(bench) == []


def late(bench: Bench, notification_id: str, **fields: object) -> Record:
    """An e-mail after its second pass."""
    bench.accept_email(id=notification_id, **fields)
    bench.deliverer.deliver(notification_id)
    bench.clock.advance(16)
    bench.ledger.sweep("normal", room=50)
    bench.deliverer.deliver(notification_id)
    record = bench.queries.get(notification_id)
    assert record is not None
    assert record.passes == 2
    return record


def messages(bench: Bench) -> list[str]:
    found = sorted(texts(bench), key=lambda record: record.number)
    return [load(record.content).message for record in found]


def test_many_late_emails_are_followed_by_few_texts_and_one_that_tells_of_the_rest(bench: Bench) -> None:
    bench.set(escalation__text_to=ON_CALL, escalation__texts_in_10_minutes=2)
    records = [late(bench, f"n{number}") for number in range(6)]
    assert [events(record) for record in records] == [["escalated"]] * 3 + [["escalation_spared"]] * 3
    first, second, last = messages(bench)
    assert first.startswith(f"Mail {records[0].number} undelivered: ")
    assert second.startswith(f"Mail {records[1].number} undelivered: ")
    assert last.startswith(f"Mail {records[2].number} and others undelivered. No more texts")
    assert len(f"ID={records[2].number} {last}") <= 160
    assert records[-1].timeline[-1]["reason"] == (
        "2 e-mails had a text within 10 minutes, one more told of the rest"
    )
    bench.clock.advance(600)
    late(bench, "later")
    assert len(texts(bench)) == 4
    for record in records[3:]:
        bench.ledger.sweep("normal", room=50)
        bench.deliverer.deliver(record.id)
    assert len(texts(bench)) == 4, "who was told of among the rest is not followed by a text later"


def test_emails_that_name_somebody_are_not_counted_and_0_is_no_limit(bench: Bench) -> None:
    bench.set(escalation__text_to=ON_CALL, escalation__texts_in_10_minutes=1)
    for number in range(3):
        late(bench, f"named{number}", escalate_text_to=[PHONE])
    assert len(texts(bench)) == 3
    late(bench, "n1")
    late(bench, "n2")
    late(bench, "n3")
    assert len(texts(bench)) == 5
    bench.set(escalation__texts_in_10_minutes=0)
    late(bench, "n4")
    late(bench, "n5")
    assert len(texts(bench)) == 7


def test_a_pass_that_is_made_again_keeps_its_place_among_the_texts(bench: Bench) -> None:
    limit = EscalationLimit(bench.redis, clock=TEST_CLOCK)
    assert [limit.place(each, limit=1) for each in ("a", "a", "b", "a", "b", "c", "c")] == [
        0,
        0,
        1,
        0,
        1,
        2,
        2,
    ]
