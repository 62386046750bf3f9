"""What goes to the operator's webhook, and what becomes of it when that fails."""

from __future__ import annotations

import json

import pytest

from tasks.notices.incident import Incident
from tasks.notices.notices import POST_TRIES
from tasks.notices.webhook import NotPosted, post
from tests.rigs.notices_desk import OPERATOR, PHONE, Desk
from tests.rigs.web_receiver import WebReceiver


def test_the_webhook_gets_each_incident_once_without_address_or_text(
    desk: Desk, receiver: WebReceiver
) -> None:
    desk.set(notices__webhook_url=receiver.url)
    desk.undelivered(2, to=["secret.person@x.test"], subject="SECRET subject", message="SECRET text")
    desk.fail("primary_email")
    desk.clock.advance(61)
    for _ in range(3):
        desk.round()
    assert [got["event"] for got in receiver.got] == ["fallback", "undelivered"]
    fallback, undelivered = receiver.got
    assert fallback["version"] == 1
    assert fallback["text"] == "E-mail goes by Secondary Email: Primary Email is down"
    assert fallback["facts"]["carrier"] == "secondary_email"
    assert fallback["at"].endswith("Z")
    assert undelivered["facts"]["by_state"] == {"failed": 2}
    assert undelivered["facts"]["numbers"] == [1, 2]
    said = json.dumps(receiver.got)
    for secret in ("secret.person", "SECRET", OPERATOR, PHONE, "KEY-IN-THE-ADDRESS", "one.test"):
        assert secret not in said
    assert receiver.headers[0]["Content-Type"] == "application/json"


def test_a_webhook_that_fails_is_tried_a_few_times_and_given_up_with_a_word_in_the_log(
    desk: Desk, receiver: WebReceiver, caplog: pytest.LogCaptureFixture
) -> None:
    desk.set(notices__webhook_url=receiver.url)
    receiver.answers = [500, 302, 404, 503]
    desk.fail("primary_email")
    for _ in range(10):
        desk.round()
        desk.clock.advance(100)
    assert len(receiver.got) == POST_TRIES
    assert len({got["id"] for got in receiver.got}) == 1
    assert len(desk.notices()) == 1
    assert "webhook_given_up" in caplog.text
    assert 'error="status 503"' in caplog.text
    assert "KEY-IN-THE-ADDRESS" not in caplog.text
    assert desk.redis.hlen("notify:notices:outbox") == 0
    assert desk.redis.hlen("notify:notices:progress") == 0


def test_a_webhook_that_takes_it_later_gets_it_and_waits_in_between(
    desk: Desk, receiver: WebReceiver
) -> None:
    desk.set(notices__webhook_url=receiver.url)
    receiver.answers = [500]
    desk.fail("primary_email")
    desk.round()
    desk.round()
    assert len(receiver.got) == 1
    desk.clock.advance(10)
    desk.round()
    assert len(receiver.got) == 2
    assert desk.redis.hlen("notify:notices:outbox") == 0


def test_a_webhook_that_hangs_on_keeps_no_other_notice_back(desk: Desk) -> None:
    desk.set(notices__webhook_url="http://hook.test/x")

    def never(*_: object, **__: object) -> None:
        raise NotPosted("ReadTimeout")

    worker = desk.worker(never)
    desk.fail("primary_email")
    desk.round(worker)
    desk.fail("secondary_email")
    desk.round(worker)
    assert len(desk.notices()) == 2


def test_an_address_that_nobody_listens_at_is_a_fault_by_its_kind_alone() -> None:
    facts = {"server": "primary_email", "reason": "the sign-in is refused"}
    incident = Incident("1", "misconfigured", 1_800_000_000_000, facts)
    for url in ("http://127.0.0.1:9/KEY", "file:///etc/passwd", "http://user:KEY@127.0.0.1/", "http://[KEY/"):
        with pytest.raises(NotPosted) as caught:
            post(url, incident, installation="x.test")
        assert "KEY" not in str(caught.value)
