"""A message that the worker cannot take never shows its body in the log; the worker goes on."""

from __future__ import annotations

import base64
import json
import logging
import uuid
from typing import Any

import pytest
from celery import Celery

from tests.rigs.installation import Installation
from tests.rigs.mailbox import Mailbox
from tests.rigs.processes import wait_until
from workers import quiet_logs

SECRET = "nobody-is-to-read-this"


def envelope(
    body: bytes, *, headers: dict[str, Any] | None = None, content_type: str = "application/json"
) -> str:
    """A message of the broker as Celery writes it, with this body."""
    return json.dumps(
        {
            "body": base64.b64encode(body).decode(),
            "content-encoding": "utf-8",
            "content-type": content_type,
            "headers": headers if headers is not None else {"task": "notify.submit", "id": str(uuid.uuid4())},
            "properties": {
                "body_encoding": "base64",
                "delivery_info": {"exchange": "", "routing_key": "notify.normal"},
                "delivery_tag": str(uuid.uuid4()),
                "priority": 0,
            },
        }
    )


GOOD_BODY = json.dumps([[], {"notification": {"message": SECRET}}, {}]).encode()
SUBMIT = {"task": "notify.submit", "id": "x", "timelimit": [None, None]}
MESSAGES = {
    "undecodable body": envelope(b"\xff{" + SECRET.encode()),
    "body that is no task's": envelope(json.dumps({"text": SECRET}).encode()),
    "body that is a string": envelope(json.dumps(SECRET).encode()),
    "content type that is not allowed": envelope(GOOD_BODY, content_type="application/x-python-serialize"),
    "body that is a number": envelope(b"1"),
    "arguments that are none": envelope(json.dumps([SECRET, SECRET, SECRET]).encode()),
    "embedded nonsense": envelope(json.dumps([[], {}, {"delivery_info": 1, "id": 5, "chain": 3}]).encode()),
    "no id": envelope(GOOD_BODY, headers={"task": "notify.submit"}),
    "wrong limit": envelope(GOOD_BODY, headers={**SUBMIT, "timelimit": SECRET}),
    "wrong stamps": envelope(GOOD_BODY, headers={**SUBMIT, "stamped_headers": 1}),
    "no headers": envelope(GOOD_BODY, headers={}),
    "wrong time": envelope(
        GOOD_BODY, headers={"task": "notify.submit", "id": str(uuid.uuid4()), "eta": SECRET}
    ),
}


@pytest.mark.parametrize("level", ["INFO", "DEBUG"])
def test_what_cannot_be_taken_shows_no_body(installation: Installation, mailbox: Mailbox, level: str) -> None:
    installation.configure(primary=mailbox)
    with installation.worker(f"--loglevel={level}") as worker:
        sender = Celery("sender", broker=installation.server.url, set_as_current=False)
        sender.send_task("notify.unheard_of", args=(SECRET,), queue="notify.normal")
        client = installation.runtime.redis
        client.lpush("notify.normal", *MESSAGES.values())
        published = installation.publish(message=SECRET)
        installation.wait_state(published.id, "delivered")
        assert worker.process.poll() is None
        wait_until(lambda: not client.hlen("notify.unacked"), what="nothing being left to come again")
        log = worker.log()
    for form in (SECRET, base64.b64encode(SECRET.encode()).decode()[:-4]):
        assert form not in log
    for reason in ("unregistered_task", "undecodable_body", "invalid_message", "unknown_message"):
        assert f"message_dropped reason={reason}" in log, log


def test_installing_twice_adds_nothing() -> None:
    logger = logging.getLogger("celery.pool")
    quiet_logs.install()
    before = list(logger.filters)
    quiet_logs.install()
    assert logger.filters == before


def test_other_records_pass_as_they_are() -> None:
    record = logging.LogRecord("celery.pool", logging.INFO, "x", 1, "all is %s", ("well",), None)
    assert quiet_logs.WithoutBody().filter(record)
    assert record.getMessage() == "all is well"
