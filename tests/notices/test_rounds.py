"""Rounds of many workers over one Redis: each incident is told once, whoever dies, and notices make none."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis

from tasks.ledger import LedgerUnavailable, Results
from tasks.notices.outbox import REST_MS, Outbox
from tasks.notification import load
from tasks.verdict import Verdict
from tests.rigs.notices_desk import OPERATOR, PHONE, Desk
from tests.rigs.notifications import email, text
from tests.rigs.web_receiver import WebReceiver


def test_the_fallback_is_told_once_by_many_workers_and_so_is_its_end(desk: Desk) -> None:
    workers = [desk.worker() for _ in range(8)]

    def all_at_once() -> None:
        threads = [threading.Thread(target=worker.round) for worker in workers for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    all_at_once()
    assert desk.notices() == []
    desk.fail("primary_email")
    all_at_once()
    desk.round()
    assert desk.subjects() == ["Notifier: E-mail goes by Secondary Email: Primary Email is down"]
    desk.heal("primary_email")
    all_at_once()
    desk.round()
    assert desk.subjects()[1:] == ["Notifier: E-mail goes by Primary Email again"]
    assert desk.notices("text") == []
    assert all(load(record.content).to == (OPERATOR,) for record in desk.notices())
    assert all(record.lane == "high" for record in desk.notices())


def test_after_a_round_no_worker_makes_another_for_a_while(redis_server: redis.Redis) -> None:
    one, two = Outbox(redis_server), Outbox(redis_server)
    assert one.lock("a")
    assert not two.lock("b")
    two.unlock("b")
    assert redis_server.pttl("notify:notices:lock") > REST_MS
    one.unlock("a")
    assert not two.lock("b")
    assert 0 < redis_server.pttl("notify:notices:lock") <= REST_MS


def test_why_somebody_paused_a_server_is_not_told_to_the_web(desk: Desk, receiver: WebReceiver) -> None:
    desk.set(notices__webhook_url=receiver.url)
    desk.breaker.pause(
        desk.fingerprint("primary_email"), name="primary_email", by="kim", reason="asked by SECRET@x.test"
    )
    desk.round()
    (got,) = receiver.got
    assert got["facts"]["reason"] == "an operator paused it"
    assert got["text"] == "E-mail goes by Secondary Email: Primary Email is paused"
    assert "SECRET" not in json.dumps(got) + load(desk.notices()[0].content).message


def test_while_no_email_server_is_up_the_operator_is_told_by_text(desk: Desk) -> None:
    desk.fail("primary_email")
    desk.fail("secondary_email")
    desk.round()
    (notice,) = desk.notices("text")
    content = load(notice.content)
    assert (content.to, content.message) == ((PHONE,), "Notifier: No server for e-mail is up")
    assert len(desk.notices()) == 1


def test_who_has_no_email_is_told_by_text_and_who_wants_both_gets_both(desk: Desk) -> None:
    desk.set(notices__email_to="")
    desk.fail("primary_email")
    desk.round()
    assert (len(desk.notices()), len(desk.notices("text"))) == (0, 1)
    desk.set(notices__email_to=OPERATOR, notices__text_always=True)
    desk.heal("primary_email")
    desk.round()
    assert (len(desk.notices()), len(desk.notices("text"))) == (1, 2)


def hold(desk: Desk) -> None:
    claim = desk.told.claim(desk.told.accept(email()))
    revision = desk.store.snapshot().revision
    status, _ = desk.told.ledger.finish(
        claim, then="held", results=Results(), reason="Primary Email server name is blank", revision=revision
    )
    assert status == "finished"


def test_what_is_held_is_told_once_by_text_and_webhook_and_by_no_email(
    desk: Desk, receiver: WebReceiver
) -> None:
    desk.set(primary_email__server_name="", notices__webhook_url=receiver.url)
    desk.round()
    assert receiver.got == [], "nothing came yet"
    hold(desk)
    hold(desk)
    desk.round()
    hold(desk)
    desk.round()
    (notice,) = desk.notices("text")
    words = "2 notifications held: Primary Email server name is blank"
    assert load(notice.content).message == f"Notifier: {words}"
    assert [(got["event"], got["text"], got["facts"]["count"]) for got in receiver.got] == [
        ("held", words, 2)
    ]
    assert desk.notices() == []


def test_it_is_told_anew_once_a_server_was_set_and_taken_out_again(desk: Desk) -> None:
    desk.set(primary_email__server_name="")
    hold(desk)
    desk.round()
    desk.set(primary_email__server_name="one.test")
    desk.round()
    desk.set(primary_email__server_name="")
    desk.round()
    assert len(desk.notices("text")) == 1, "within the quiet time"
    desk.clock.advance(15 * 60)
    desk.round()
    assert len(desk.notices("text")) == 2


def test_where_no_sms_server_is_set_either_the_webhook_alone_tells_of_what_is_held(
    desk: Desk, receiver: WebReceiver
) -> None:
    desk.set(primary_email__server_name="", primary_sms__server_name="", notices__webhook_url=receiver.url)
    hold(desk)
    desk.round()
    assert [got["event"] for got in receiver.got] == ["held"]
    assert desk.notices() == desk.notices("text") == []


def test_who_wants_to_hear_nothing_of_what_is_held_hears_nothing(desk: Desk) -> None:
    desk.set(primary_email__server_name="", notices__held=False)
    hold(desk)
    desk.round()
    assert desk.notices("text") == []


def test_texts_that_go_by_the_email_servers_are_not_told_of_twice(desk: Desk) -> None:
    desk.set(primary_sms__server_name="")
    desk.fail("primary_email")
    desk.round()
    assert len(desk.notices()) == 1


def test_a_server_that_refuses_our_sign_in_is_told_of(desk: Desk) -> None:
    desk.fail("primary_email", Verdict.MISCONFIGURED)
    desk.round()
    desk.round()
    assert desk.subjects() == [
        "Notifier: E-mail goes by Secondary Email: Primary Email is down",
        "Notifier: Primary Email needs a person: the server refuses connections",
    ]


def test_it_is_told_once_that_it_takes_the_sign_in_again_whether_it_was_cured_there_or_here(
    desk: Desk, receiver: WebReceiver
) -> None:
    desk.set(notices__webhook_url=receiver.url)
    workers = [desk.worker() for _ in range(3)]

    def told() -> list[Any]:
        before = len(receiver.got)
        for worker in workers:
            worker.round()
        return [(got["event"], got["facts"]) for got in receiver.got[before:]]

    desk.fail("secondary_email", Verdict.MISCONFIGURED)
    refused = {"server": "secondary_email", "reason": "the server refuses connections"}
    assert told() == [("misconfigured", refused)]
    desk.breaker.resume(desk.fingerprint("secondary_email"))
    assert told() == []
    assert desk.breaker.take_probe(desk.fingerprint("secondary_email"), "probe")
    assert desk.breaker.probed(desk.fingerprint("secondary_email"), "probe", ok=True) == "closed"
    assert told() == [("misconfigured_over", {"server": "secondary_email", "proven": True})]
    desk.clock.advance(15 * 60)
    desk.fail("secondary_email", Verdict.MISCONFIGURED)
    assert told() == [("misconfigured", refused)]
    desk.set(secondary_email__server_port=2525)
    assert told() == [], "the next try may be as wrong"
    desk.heal("secondary_email")
    assert told() == [("misconfigured_over", {"server": "secondary_email", "proven": True})]
    assert (
        desk.subjects()
        == [
            "Notifier: Secondary Email needs a person: the server refuses connections",
            "Notifier: Secondary Email is in use again",
        ]
        * 2
    )


def test_a_secret_that_expires_is_told_of_once_for_each_of_the_days_before(desk: Desk) -> None:
    today = datetime.fromtimestamp(desk.clock.now_ms / 1000, tz=UTC).date()
    last_day = today + timedelta(days=40)
    desk.set(primary_email__client_secret="s3cr3t", secret_expiry__primary_email_client_secret=last_day)
    workers = [desk.worker() for _ in range(2)]
    for _ in range(45):
        for worker in workers:
            worker.round()
        desk.clock.advance(86_400)
    words = [subject.partition(": primary_email.client_secret: ")[2] for subject in desk.subjects()]
    assert words == [
        f"expires in 30 days ({last_day})",
        f"expires in 14 days ({last_day})",
        f"expires in 7 days ({last_day})",
        f"expires in 1 day ({last_day})",
        f"expired after {last_day}",
    ]
    renewed = last_day + timedelta(days=12)
    desk.set(primary_email__client_secret="n3w", secret_expiry__primary_email_client_secret=renewed)
    desk.round()
    assert len(desk.notices()) == 6, "another last day is told of anew"
    assert "s3cr3t" not in str([record.content for record in desk.notices()])


def test_a_hundred_undelivered_in_a_minute_are_one_notice_with_counts(desk: Desk) -> None:
    for _ in range(10):
        desk.undelivered(10)
        desk.clock.advance(5)
        desk.round()
    assert desk.notices() == []
    desk.clock.advance(10)
    desk.round()
    desk.round()
    (notice,) = desk.notices()
    content = load(notice.content)
    assert content.subject == "Notifier: 100 notifications undelivered"
    assert "100 failed" in content.message
    assert "ID=1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 90 more" in content.message
    desk.undelivered(3)
    desk.clock.advance(61)
    desk.round()
    assert len(desk.notices()) == 1, "the next waits for the quiet time"
    desk.clock.advance(15 * 60)
    desk.round()
    assert desk.subjects()[1:] == ["Notifier: 3 notifications undelivered"]


def test_one_that_was_replayed_before_its_notice_is_not_told_of(desk: Desk) -> None:
    desk.undelivered()
    (failed,) = desk.told.queries.page(("failed",)).summaries
    desk.told.ledger.replay(failed.id, age_limit_ms=60_000, by="test", why="again")
    desk.clock.advance(61)
    desk.round()
    assert desk.notices() == []


def test_a_notice_that_is_not_delivered_makes_no_other(desk: Desk) -> None:
    desk.undelivered()
    desk.clock.advance(61)
    desk.round()
    (notice,) = desk.notices()
    desk.told.ledger.sweep("high", room=10)
    desk.told.finish(desk.told.claim(notice.id), {0: "r"}, [])
    assert desk.told.record(notice.id).state == "failed"
    for _ in range(3):
        desk.clock.advance(3600)
        desk.round()
    assert len(desk.notices()) == 1
    assert not desk.redis.exists("notify:undelivered")


def test_what_is_turned_off_is_not_told_and_does_not_pile_up(desk: Desk) -> None:
    desk.set(notices__undelivered=False, notices__fallback=False)
    desk.undelivered(5)
    desk.fail("primary_email")
    desk.round()
    assert desk.notices() == []
    assert not desk.redis.exists("notify:undelivered")
    desk.set(notices__undelivered=True, notices__fallback=True)
    desk.clock.advance(3600)
    desk.heal("primary_email")
    desk.round()
    # The beginning was not told, and nobody knows that something is over; but it is no lie.
    assert desk.subjects() == ["Notifier: E-mail goes by Primary Email again"]


def test_a_purged_record_is_forgotten_here_too(desk: Desk) -> None:
    desk.undelivered()
    desk.clock.advance(10)
    desk.told.ledger.purge(older_than_seconds=1)
    assert not desk.redis.exists("notify:undelivered")


class Died(Exception):
    """Stands for the end of a worker's process."""


def test_a_worker_that_dies_at_any_step_leaves_the_incident_to_the_next(desk: Desk) -> None:
    desk.set(notices__text_always=True)

    class Dying:
        def __init__(self, calls: int) -> None:
            self.calls = calls

        def accept(self, entry: Any, *, ring: bool) -> Any:
            if not self.calls:
                raise Died
            self.calls -= 1
            return desk.told.ledger.accept(entry, ring=ring)

    desk.fail("primary_email")
    for calls in (0, 0, 1):
        with pytest.raises(Died):
            desk.round(desk.worker(ledger=Dying(calls)))
    desk.round()
    desk.round()
    assert (len(desk.notices()), len(desk.notices("text"))) == (1, 1)


def test_a_full_ledger_keeps_the_incident_for_later(desk: Desk) -> None:
    class Full:
        def accept(self, *_: object, **__: object) -> Any:
            raise LedgerUnavailable("full")

    desk.fail("primary_email")
    desk.round(desk.worker(ledger=Full()))
    assert desk.notices() == []
    desk.round()
    assert len(desk.notices()) == 1


def test_a_text_that_fails_is_an_undelivered_notification_too(desk: Desk) -> None:
    claim = desk.told.claim(desk.told.accept(text()))
    desk.told.finish(claim, {0: "x"}, [])
    desk.clock.advance(61)
    desk.round()
    assert "1 uncertain" in load(desk.notices()[0].content).message
    assert desk.subjects() == ["Notifier: 1 notification undelivered"]


def test_a_backlog_is_told_once_and_once_when_workers_keep_up_again(
    desk: Desk, receiver: WebReceiver
) -> None:
    desk.set(notices__backlog_minutes=10, notices__webhook_url=receiver.url)
    waiting = desk.told.accept(email(priority="low"))
    desk.clock.advance(599)
    desk.round()
    assert receiver.got == []
    desk.clock.advance(1)
    for worker in (desk.one, desk.worker(), desk.one):
        desk.round(worker)
        desk.clock.advance(30)
    desk.told.finish(desk.told.claim(waiting), {0: "d"}, [])
    desk.round()
    assert [(got["event"], got["text"]) for got in receiver.got] == [
        ("backlog", "1 notification waits for a worker, the oldest for 10 minutes"),
        ("backlog_over", "Workers keep up again: no notification waits long"),
    ]
    assert receiver.got[0]["facts"] == {"count": 1, "priority": "low", "seconds": 600.0}
    assert desk.subjects() == [
        "Notifier: 1 notification waits for a worker, the oldest for 10 minutes",
        "Notifier: Workers keep up again: no notification waits long",
    ]


def test_nobody_is_told_of_a_backlog_who_does_not_want_to_know(desk: Desk) -> None:
    desk.told.accept(email(priority="low"))
    desk.clock.advance(3600)
    desk.round()
    assert desk.notices() == []
