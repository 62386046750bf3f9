"""What an operator reads of a pass: complete entries, reasons in words, replies in their place alone."""

from __future__ import annotations

import json
import logging

import pytest

from tasks.notification import InvalidNotification
from tests.rigs.delivery_bench import ID, Bench
from tests.rigs.delivery_servers import MailServer

A, B = "a@x.test", "b@x.test"


def test_an_entry_says_who_what_when_and_why(
    bench: Bench, primary: MailServer, secondary: MailServer
) -> None:
    primary.answers[f"RCPT {B}"] = "450 4.2.1 <b@x.test> box busy"
    primary.answers["DATA"] = lambda: bench.clock.advance(2)
    primary.answers["DOT"] = "250 2.0.0 queued as 4711"
    secondary.answers["DOT"] = "452 4.3.1 disk full"
    bench.accept_email(A, B)
    began = bench.clock.now_ms
    assert bench.deliver().state == "waiting"
    revision = bench.store.snapshot().revision
    of_primary = {
        "at": began,
        "pass": 1,
        "server": "primary_email",
        "rule": "e-mail goes to Primary Email first",
        "revision": revision,
        "next_at": None,
    }
    assert bench.timeline() == (
        {
            **of_primary,
            "stage": "rcpt",
            "verdict": "recipient_waits",
            "reason": "the server cannot take this recipient now",
            "code": 450,
            "enhanced": "4.2.1",
            "text": bench.timeline()[0]["text"],
            "indexes": [1],
            "seconds": 2.0,
        },
        {
            **of_primary,
            "stage": "final",
            "verdict": "delivered",
            "reason": "the server took it",
            "code": 250,
            "enhanced": "2.0.0",
            "text": bench.timeline()[1]["text"],
            "indexes": [0],
            "seconds": 2.0,
        },
        {
            "at": began + 2_000,
            "pass": 1,
            "server": "secondary_email",
            "rule": "Secondary Email is tried where Primary Email failed",
            "stage": "final",
            "verdict": "message_waits",
            "reason": "the server cannot take the message now",
            "code": 452,
            "enhanced": "4.3.1",
            "text": bench.timeline()[2]["text"],
            "indexes": [1],
            "revision": revision,
            "seconds": 0.0,
            "next_at": bench.record().next_at_ms,
        },
    )
    words = ["<b@x.test> box busy", "queued as 4711", "disk full"]
    for entry, expected in zip(bench.timeline(), words, strict=True):
        assert expected in entry["text"]


def test_a_failure_without_a_reply_has_no_code_and_no_text(bench: Bench, primary: MailServer) -> None:
    primary.go_down()
    bench.accept_email()
    bench.deliver()
    (entry,) = bench.timeline()
    assert (entry["code"], entry["enhanced"], entry["text"]) == (None, None, None)
    assert (entry["stage"], entry["reason"]) == ("greeting", "the connection was lost")
    assert entry["next_at"] == bench.record().next_at_ms == bench.clock.now_ms + 15_000


def test_an_end_names_no_next_time(bench: Bench, primary: MailServer) -> None:
    primary.answers["RCPT"] = "550 5.1.1 no such user"
    bench.accept_email(A)
    assert bench.deliver().state == "failed"
    assert [entry["next_at"] for entry in bench.timeline()] == [None]


def test_passes_are_counted_from_one_in_the_timeline(bench: Bench, primary: MailServer) -> None:
    primary.answers["MAIL"] = ["451 4.3.0 trouble", "451 4.3.0 trouble"]
    bench.accept_email()
    record = bench.run_out()
    assert [entry["pass"] for entry in record.timeline] == [1, 2, 3]
    assert record.reason == "by primary_email"


PLANTED = "PLANTED words about <victim@planted.test>"
REPLIES = [
    f"{code} {enhanced}{PLANTED}"
    for code, enhanced in [
        (421, "4.3.0 "),
        (432, "4.3.2 "),
        (450, "4.2.1 "),
        (451, "4.7.1 retry after 40 seconds "),
        (452, ""),
        (530, "5.7.0 "),
        (535, "5.7.8 "),
        (550, "5.1.1 "),
        (550, "5.7.30 "),
        (552, "5.2.2 "),
        (554, "5.6.0 "),
        (554, "relay access denied "),
        (299, ""),
        (999, ""),
    ]
]
STEPS = ["GREETING", "AUTH", "MAIL", "RCPT", "DATA", "DOT"]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("reply", REPLIES, ids=lambda reply: str(reply).split("PLANTED", maxsplit=1)[0])
def test_no_address_and_no_word_of_a_reply_is_anywhere_but_in_the_text_of_an_entry(
    bench: Bench, primary: MailServer, step: str, reply: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    bench.sign_in("primary_email", "PLANTED secret")
    primary.answers[step] = reply
    bench.accept_email("victim@planted.test", "other@planted.test", message="PLANTED text", subject="PLANTED")
    results = [bench.deliver()]
    if bench.state() == "waiting":
        results.append(bench.again())
    record = bench.record()
    assert record.timeline
    entries = [{key: value for key, value in entry.items() if key != "text"} for entry in record.timeline]
    told = [repr(results), record.reason, repr(record), json.dumps(entries), repr(bench.memory())]
    told += [each.getMessage() for each in caplog.records]
    for each in told:
        assert "planted" not in each.lower()
    assert all(result.reason for result in results)


def test_the_ledger_keeps_the_words_of_a_reply_for_the_operator(bench: Bench, primary: MailServer) -> None:
    primary.answers["RCPT"] = f"550 5.1.1 {PLANTED}"
    bench.accept_email(A)
    assert bench.deliver().state == "failed"
    assert PLANTED in bench.timeline()[0]["text"]


def test_a_crash_of_our_own_carries_no_content(
    bench: Bench, primary: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    bench.accept_email("victim@planted.test", message="PLANTED")
    bench.redis.hset(f"notify:n:{ID}", "content", '{"version":1,"message":"PLANTED victim@planted.test"}')
    with pytest.raises(InvalidNotification) as crash:
        bench.deliver()
    assert "planted" not in f"{crash.value!r} {crash.value}".lower()
    assert caplog.records == []
    assert primary.connections == 0
