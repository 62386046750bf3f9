"""`notify message show`: what an operator reads at 80 columns."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from console.cli.message_view import ENTRIES_SHOWN, RECIPIENTS_SHOWN, STUCK_AFTER_MS, message_lines
from console.cli.screen import Screen
from console.presenting import message_json
from tasks.ledger import STATES, State
from tests.rigs.command_line import CommandLine
from tests.rigs.message_stories import ATTEMPT, failed_over, passed_over, second_pass
from tests.rigs.notifications import email
from tests.rigs.told_ledger import PRIMARY_RULE, ToldLedger


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The views show local time."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def test_a_server_that_was_passed_over_is_an_event_and_no_attempt(told: ToldLedger) -> None:
    document = message_json.show(told.record(passed_over(told)))
    assert [attempt["server"] for attempt in document["attempts"]] == ["secondary_email"]
    (event,) = document["events"]
    assert (event["server"], event["verdict"]) == ("primary_email", "passed_over")
    assert event["reason"] == "the server refuses connections"


def test_a_server_that_was_passed_over_is_shown_with_the_reason(told: ToldLedger) -> None:
    record = told.record(passed_over(told))
    lines = list(message_lines(record, now_ms=told.clock.now_ms, screen=Screen(80)))
    (at,) = (place for place, line in enumerate(lines) if "! Primary Email: passed over" in line)
    assert "the server refuses connections" in lines[at] + lines[at + 1]
    assert not any(f"chosen: {PRIMARY_RULE}" in line for line in lines)


def test_a_long_time_since_acceptance_is_parted_from_what_happened(told: ToldLedger) -> None:
    notification_id = told.accept(email())
    claim = told.claim(notification_id)
    told.clock.advance(62)
    late = told.entry("primary_email", "server_down", reason="the server refuses connections")
    told.finish(claim, {}, [late], reason="down", wait_seconds=60)
    lines = list(message_lines(told.record(notification_id), now_ms=told.clock.now_ms, screen=Screen(80)))
    assert any("  +1 min 2 s ✗ Primary Email: server down" in line for line in lines)


def view(told: ToldLedger, notification_id: str, *, columns: int = 80, coloured: bool = False) -> list[str]:
    screen = Screen(columns, is_terminal=True, coloured=coloured)
    lines = message_lines(told.record(notification_id), now_ms=told.clock.now_ms, screen=screen)
    return list(lines)


WAITING = """\
ID=1  WAITING  it is tried again by itself

why         primary_email: the server refuses connections; secondary_email:
            asked for patience
what        e-mail, high, "Payroll failed on prod1"
accepted    2027-01-15 08:00:00 UTC, 5 s ago
next try    2027-01-15 08:00:15 UTC, in 10 s
given up    2027-01-16 08:00:00 UTC, in 23 h, unless sent before
id          payroll-7

Recipients: 3 open
  · open       ops@example.com
  · open       oncall@example.com
  · open       gone@example.com

Timeline, 2027-01-15
  08:00:00  +0.4 s    ✗ Primary Email: server down
            the server refuses connections
            chosen: e-mail goes to Primary Email first
            pass 1, at connect, took 12 ms, revision 17
  08:00:00  +0.7 s    ! Secondary Email: throttled
            the server asks to come back later
            it said: 451 4.7.500 Server busy. Please try again later from
            [192.0.2.17].
            next try 08:00:15, in 10 s
            chosen: Secondary Email is tried where Primary Email failed
            pass 1, at mail, took 1 s, revision 17
"""

PARTIAL = """\
ID=1  PARTIAL  some recipients got it, others did not

why         by primary_email
what to do  docs/runbook/dead-letters.md#partial
what        e-mail, high, "Payroll failed on prod1"
accepted    2027-01-15 08:00:00 UTC, 1 d 1 h ago
finished    2027-01-15 08:00:16 UTC, 1 d 1 h ago, after 16 s
id          payroll-7

Recipients: 2 delivered, 1 refused
  ✗ refused    gone@example.com
  ✓ delivered  ops@example.com
  ✓ delivered  oncall@example.com

Timeline, 2027-01-15
  08:00:00  +0.4 s    ✗ Primary Email: server down
            the server refuses connections
            chosen: e-mail goes to Primary Email first
            pass 1, at connect, took 12 ms, revision 17
  08:00:00  +0.7 s    ! Secondary Email: throttled
            the server asks to come back later
            it said: 451 4.7.500 Server busy. Please try again later from
            [192.0.2.17].
            chosen: Secondary Email is tried where Primary Email failed
            pass 1, at mail, took 1 s, revision 17
  08:00:16  +16 s     ✗ Primary Email: recipient refused
            it said: 550 5.1.1 <gone@example.com>: Recipient address rejected:
            User unknown in virtual mailbox table
            for gone@example.com
            chosen: e-mail goes to Primary Email first
            pass 2, at rcpt, took 0.2 s, revision 17
  08:00:16  +16 s     ✓ Primary Email: delivered
            it said: 250 2.0.0 Ok: queued as 4F1A2\\x1b[2J
            for ops@example.com, oncall@example.com
            chosen: e-mail goes to Primary Email first
            pass 2, at final, took 3 s, revision 17
"""


def test_a_waiting_message_reads_like_this(told: ToldLedger) -> None:
    notification_id = failed_over(told)
    told.clock.advance(5)
    assert view(told, notification_id) == WAITING.splitlines()


def test_a_finished_message_reads_like_this(told: ToldLedger) -> None:
    notification_id = failed_over(told)
    second_pass(told, notification_id)
    told.clock.advance(90_000)
    assert view(told, notification_id) == PARTIAL.splitlines()


def test_the_process_prints_the_same_at_80_columns_into_a_pipe(notify: CommandLine, told: ToldLedger) -> None:
    second_pass(told, failed_over(told))
    shown = notify.process("message", "show", "ID=1").out.splitlines()
    expected = PARTIAL.splitlines()
    # How long ago it was differs: the process goes by the clock of Redis.
    assert [line for line in shown if not line.startswith(("accepted", "finished"))] == [
        line for line in expected if not line.startswith(("accepted", "finished"))
    ]


@pytest.mark.parametrize("columns", [60, 80, 132])
def test_no_line_is_wider_than_the_screen(told: ToldLedger, columns: int) -> None:
    notification_id = failed_over(told)
    second_pass(told, notification_id)
    assert max(map(len, view(told, notification_id, columns=columns))) <= columns


def test_long_values_are_wrapped(told: ToldLedger) -> None:
    address = f"{'a' * 60}@{'b' * 60}.{'c' * 60}.example"
    notification_id = told.accept(email(id="n" * 64, to=[address], subject="many words " * 100))
    entry = told.entry("primary_email", "server_down", text="x" * 300, reason="why " * 60)
    told.finish(told.claim(notification_id), {}, [entry], reason="because " * 60)
    lines = view(told, notification_id)
    assert max(map(len, lines)) <= 80
    assert address in "".join(line.strip() for line in lines)


@pytest.mark.parametrize("state", STATES)
def test_the_first_line_fits_80_columns_with_any_number(told: ToldLedger, state: State) -> None:
    told.accept(email(id="n"))
    record = dataclasses.replace(told.record("n"), state=state, number=9_999_999_999)
    first = next(iter(message_lines(record, now_ms=told.clock.now_ms, screen=Screen(80))))
    assert first.startswith(f"ID=9999999999  {state.upper()}  ")
    assert len(first) <= 80


def test_a_worker_that_died_with_the_body_out_shows_as_an_uncertain_attempt(
    notify: CommandLine, told: ToldLedger
) -> None:
    notification_id = told.accept(email(id="n"))
    told.intend(told.claim(notification_id), 0)
    told.clock.advance(31)
    told.ledger.sweep("normal", room=1)
    shown = notify("message", "show", "n", "--json").json
    assert shown["recipients"] == {"ops@example.com": "uncertain"}
    (attempt,) = shown["attempts"]
    assert list(attempt)[: len(ATTEMPT)] == ATTEMPT
    assert (attempt["verdict"], attempt["server"], attempt["code"]) == ("uncertain", "primary_email", None)
    assert attempt["recipients"] == ["ops@example.com"]
    assert "  ! uncertain  ops@example.com" in view(told, "n")


def test_what_is_no_attempt_is_an_event(notify: CommandLine, told: ToldLedger) -> None:
    notification_id = told.accept(email(id="n"))
    told.claim(notification_id)
    told.clock.advance(31)
    told.ledger.sweep("normal", room=1)
    told.ledger.cancel(notification_id, by="ann@box")
    shown = notify("message", "show", "n", "--json").json
    assert shown["attempts"] == []
    assert shown["events"] == [
        {
            "at": "2027-01-15T08:00:31.000Z",
            "pass": 1,
            "verdict": "lease_over",
            "reason": "the worker ended before anything was sent",
        },
        {
            "at": "2027-01-15T08:00:31.000Z",
            "pass": None,
            "verdict": "cancelled",
            "reason": "cancelled by ann@box",
        },
    ]
    assert "  08:00:31  +31 s     ! worker gone, the worker ended before anything was sent" in view(told, "n")


def test_the_timeline_says_who_cancelled_or_replayed_it_and_why(
    notify: CommandLine, told: ToldLedger
) -> None:
    cancelled, failed = told.accept(email(id="c")), told.accept(email(id="f"))
    told.ledger.cancel(cancelled, by="ann@box", why="sent by hand")
    told.finish(told.claim(failed), {0: "r"}, [])
    told.ledger.replay(failed, age_limit_ms=60_000, by="bob@box", why="relay is back")
    assert view(told, "c")[-1].endswith("· cancelled by ann@box: sent by hand")
    assert view(told, "f")[-1].endswith("· replayed by bob@box, relay is back")
    (event,) = notify("message", "show", "f", "--json").json["events"]
    assert (event["verdict"], event["by"], event["reason"]) == ("replayed", "bob@box", "relay is back")


def test_one_that_is_not_to_be_sent_before_the_last_day_of_the_calendar_is_shown(
    notify: CommandLine, told: ToldLedger
) -> None:
    told.accept(email(id="n", not_before="9999-12-31T23:59:59Z"))
    assert view(told, "n")[0].startswith("ID=1  WAITING  ")
    assert notify("message", "show", "n", "--json").json["next_at"].startswith("9999-12-")


def test_a_held_message_says_why_and_until_when(told: ToldLedger) -> None:
    notification_id = told.accept(email(id="n"))
    told.finish(told.claim(notification_id), {}, [], then="held", reason="Primary Email server name is blank")
    lines = view(told, notification_id)
    assert lines[0].startswith("ID=1  HELD  ")
    assert "why         Primary Email server name is blank" in lines
    assert "given up    2027-01-16 08:00:00 UTC, in 1 d, unless sent before" in lines


@pytest.mark.parametrize("late, told_so", [(STUCK_AFTER_MS, False), (STUCK_AFTER_MS + 1000, True)])
def test_what_nobody_takes_asks_for_attention(told: ToldLedger, late: int, told_so: bool) -> None:  # noqa: FBT001
    told.accept(email(id="n"))
    told.clock.advance(late / 1000)
    assert any(line.startswith("attention") for line in view(told, "n")) is told_so


def test_entries_from_another_version_are_shown_as_they_are(notify: CommandLine, told: ToldLedger) -> None:
    notification_id = told.accept(email(id="n"))
    odd: list[dict[str, Any]] = [
        {"server": "tertiary_email", "verdict": "frobnicated", "indexes": {}},
        {"verdict": None},
        {"at": told.clock.now_ms, "server": "primary_email", "verdict": "delivered", "indexes": [0, 9]},
    ]
    told.finish(told.claim(notification_id), {}, odd)
    attempts = notify("message", "show", "n", "--json").json["attempts"]
    assert [attempt["recipients"] for attempt in attempts] == [[], ["ops@example.com"]]
    assert attempts[0]["at"] is None
    assert any("tertiary_email: frobnicated" in line for line in view(told, "n"))


def test_content_that_cannot_be_read_any_more_hides_nothing_else(
    told: ToldLedger, redis_server: redis.Redis
) -> None:
    told.accept(email(id="n"))
    redis_server.hset("notify:n:n", "content", '{"version":9}')
    assert message_json.show(told.record("n"))["recipients"] == {"recipient 1": "open"}
    assert "  · open       recipient 1" in view(told, "n")


def test_long_lists_are_cut_and_say_so(told: ToldLedger) -> None:
    everybody = [f"a{place}@example.com" for place in range(RECIPIENTS_SHOWN + 3)]
    notification_id = told.accept(email(id="n", to=everybody))
    entries = [told.entry("primary_email", "server_down", text=f"try {n}") for n in range(ENTRIES_SHOWN + 5)]
    told.finish(told.claim(notification_id), {len(everybody) - 1: "r"}, entries)
    lines = view(told, notification_id)
    assert "    and 3 more; --json lists them all" in lines
    assert "  after 5 earlier entries; --json has them all" in lines
    assert lines[lines.index("Recipients: 14 open, 1 refused") + 1] == "  ✗ refused    a14@example.com"
    assert any(f"try {ENTRIES_SHOWN + 4}" in line for line in lines)


def test_nothing_from_elsewhere_reaches_the_terminal_as_it_is(told: ToldLedger) -> None:
    evil = "\x1b]0;pwned\x07\r\u202eDELIVERED\u2028\x9b2J"
    notification_id = told.accept(email(id="n"))
    entry = told.entry("primary_email", evil, text=evil, reason=evil, rule=evil, stage=evil, enhanced=evil)
    told.finish(told.claim(notification_id), {}, [entry, {"verdict": evil, "reason": evil}], reason=evil)
    text = "\n".join(view(told, notification_id))
    assert not set("\x1b\x07\r\u202e\u2028\x9b") & set(text)
    assert "\\x1b]0;pwned\\x07" in text


def test_a_message_that_is_not_there_ends_with_3(notify: CommandLine) -> None:
    for name in ("7", "no-such-id", "ID=7", "\x1b[2J", "*", "", "9" * 400, "9" * 17):
        done = notify("message", "show", name, "--json")
        assert (done.code, done.out) == (3, "")
        assert "there is no such notification" in done.error
        assert "\x1b" not in done.err


def test_what_may_have_arrived_twice_is_said_first(told: ToldLedger, notify: CommandLine) -> None:
    told.accept(email(id="n", to=["a@example.com", "b@example.com"]))
    claim = told.claim("n")
    told.intend(claim, 0, 1)
    lost = told.entry("primary_email", "uncertain", indexes=[0, 1], reason="no reply after the text")
    told.finish(claim, {0: "u", 1: "d"}, [lost], reason="uncertain", wait_seconds=60)
    told.clock.advance(61)
    told.ledger.sweep("normal", room=1)
    again = told.claim("n")
    told.intend(again, 0)
    told.finish(again, {0: "d"}, [told.entry("primary_email", "delivered")], reason="by primary_email")
    lines = view(told, "n")
    assert lines[0] == "ID=1  DELIVERED, PERHAPS TWICE  sent again after a reply was lost"
    assert "  ! delivered  a@example.com, perhaps twice" in lines
    assert "  ✓ delivered  b@example.com" in lines
    assert notify("message", "show", "n", "--json").json["perhaps_twice"] == ["a@example.com"]
    row = notify("message", "list", "--perhaps-twice").out.splitlines()[1]
    assert row.split()[1:3] == ["delivered", "?"]
    assert row.endswith("perhaps twice")


def test_many_refusals_of_one_reason_are_one_entry(told: ToldLedger) -> None:
    people = [f"p{number}@example.com" for number in range(1000)]
    told.accept(email(id="n", to=people))
    refusals = [
        told.entry(
            "primary_email",
            "recipient_refused",
            stage="rcpt",
            code=550,
            enhanced="5.1.1",
            text=f"<{address}>: User unknown",
            indexes=[place],
        )
        for place, address in enumerate(people[:999])
    ]
    told.finish(told.claim("n"), dict.fromkeys(range(999), "r"), refusals, reason="refused")
    lines = view(told, "n")
    timeline = lines[lines.index("Timeline, 2027-01-15") :]
    assert timeline[1:5] == [
        "  08:00:00  +0 ms     ✗ Primary Email: recipient refused, 999 times",
        "            it said, the first time: 550 5.1.1 <p0@example.com>: User unknown",
        "            for p0@example.com, p1@example.com, p2@example.com and 996 more",
        "            chosen: e-mail goes to Primary Email first",
    ]
    assert len(timeline) == 6


def test_the_job_it_came_from_is_said(told: ToldLedger) -> None:
    told.accept(email(id="n", context={"schedule": "Nightly", "job": "Payroll", "machine": "prod1"}))
    assert "from        schedule Nightly, job Payroll, machine prod1" in view(told, "n")
