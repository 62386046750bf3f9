"""`notify message show --json`: the names that other programs rely on."""

from __future__ import annotations

from tests.rigs.command_line import CommandLine
from tests.rigs.message_stories import ATTEMPT, failed_over, second_pass
from tests.rigs.notifications import email
from tests.rigs.told_ledger import PRIMARY_RULE, SECONDARY_RULE, ToldLedger


def test_the_json_has_exactly_the_names_that_others_rely_on(notify: CommandLine, told: ToldLedger) -> None:
    second_pass(told, failed_over(told))
    done = notify("message", "show", "payroll-7", "--json")
    assert (done.code, done.err) == (0, "")
    shown = done.json
    attempts = shown.pop("attempts")
    assert shown == {
        "id": "payroll-7",
        "number": 1,
        "channel": "email",
        "state": "partial",
        "reason": "by primary_email",
        "accepted_at": "2027-01-15T08:00:00.000Z",
        "finished_at": "2027-01-15T08:00:16.700Z",
        "next_at": None,
        "recipients": {
            "ops@example.com": "delivered",
            "oncall@example.com": "delivered",
            "gone@example.com": "refused",
        },
        "events": [],
        "priority": "high",
        "servers": ["primary_email", "secondary_email"],
        "perhaps_twice": [],
        "runbook": "docs/runbook/dead-letters.md#partial",
    }
    assert list(shown["recipients"]) == ["ops@example.com", "oncall@example.com", "gone@example.com"]
    assert all(list(attempt)[: len(ATTEMPT)] == ATTEMPT for attempt in attempts)
    assert attempts[1] == {
        "at": "2027-01-15T08:00:00.700Z",
        "pass": 1,
        "server": "secondary_email",
        "stage": "mail",
        "verdict": "throttled",
        "code": 451,
        "enhanced": "4.7.500",
        "text": "Server busy. Please try again later from [192.0.2.17].",
        "recipients": ["ops@example.com", "oncall@example.com", "gone@example.com"],
        "revision": 17,
        "seconds": 1.4,
        "next_at": "2027-01-15T08:00:15.700Z",
        "reason": "the server asks to come back later",
        "rule": SECONDARY_RULE,
    }
    assert attempts[2]["recipients"] == ["gone@example.com"]
    assert attempts[0] | {"rule": PRIMARY_RULE, "code": None, "text": None, "next_at": None} == attempts[0]


def test_a_message_that_was_never_tried_has_no_attempts_and_nulls(
    notify: CommandLine, told: ToldLedger
) -> None:
    told.accept(email(id="n"))
    shown = notify("message", "show", "1", "--json").json
    absent = {name: shown[name] for name in ("reason", "finished_at", "next_at", "attempts", "events")}
    assert absent == {"reason": None, "finished_at": None, "next_at": None, "attempts": [], "events": []}


def test_every_file_that_was_fetched_or_lost_is_told_with_its_name_bytes_and_seconds(
    notify: CommandLine, told: ToldLedger
) -> None:
    fetched = {
        "at": told.clock.now_ms, "pass": 1, "stage": "attachment", "verdict": "attachment_fetched",
        "reason": "", "file": "a.log", "bytes": 5_000_000, "seconds": 2.5, "indexes": [], "revision": 17,
    }  # fmt: skip
    missing = {
        **fetched, "verdict": "attachment_missing", "reason": "there is no such file", "file": "b.log",
        "bytes": 0,
    }  # fmt: skip
    lost = told.entry("primary_email", "attachment_lost", stage="body", reason="it is late", file="a.log")
    told.finish(told.claim(told.accept(email(id="n"))), {}, [fetched, missing, lost])
    shown = notify("message", "show", "n", "--json").json
    assert [
        [event[name] for name in ("verdict", "file", "bytes", "seconds", "reason")]
        for event in shown["events"]
    ] == [
        ["attachment_fetched", "a.log", 5_000_000, 2.5, ""],
        ["attachment_missing", "b.log", 0, 2.5, "there is no such file"],
    ]
    (attempt,) = shown["attempts"]
    assert (attempt["verdict"], attempt["file"]) == ("attachment_lost", "a.log")
    read = notify("message", "show", "n").out
    assert "a.log: attachment fetched" in read
    assert "pass 1, 5,000,000 bytes, took 2 s, revision 17" in read
    assert "Primary Email: sending broken off" in read
    assert "pass 1, file a.log, at body" in read
