"""`notify message list` and `cancel`."""

from __future__ import annotations

import json

import pytest

from tests.rigs.command_line import CommandLine
from tests.rigs.notifications import email, text
from tests.rigs.told_ledger import ToldLedger


@pytest.fixture
def three(told: ToldLedger) -> ToldLedger:
    """A waiting e-mail, a delivered one, and a queued text, an hour apart."""
    told.accept(email(id="one"))
    told.finish(told.claim("one"), {}, [], reason="primary_email: down", wait_seconds=7200)
    told.clock.advance(3600)
    context = {"job": "Payroll", "schedule": "Nightly", "machine": "prod1"}
    told.accept(email(id="two", to=["boss@example.com"], priority="high", context=context))
    entries = [told.entry("primary_email", "delivered")]
    told.finish(told.claim("two"), {0: "d"}, entries, reason="by primary_email")
    told.clock.advance(3600)
    told.accept(text(id="three", context={"machine": "PROD1"}))
    return told


@pytest.mark.usefixtures("three")
def test_the_json_has_exactly_the_names_that_others_rely_on(notify: CommandLine) -> None:
    done = notify("message", "list", "--state", "delivered", "--json")
    assert done.code == 0
    assert json.dumps(done.json) == json.dumps(
        {
            "messages": [
                {
                    "id": "two",
                    "number": 2,
                    "state": "delivered",
                    "channel": "email",
                    "accepted_at": "2027-01-15T09:00:00.000Z",
                    "finished_at": "2027-01-15T09:00:00.000Z",
                    "next_at": None,
                    "priority": "high",
                    "servers": ["primary_email"],
                    "perhaps_twice": False,
                    "reason": "by primary_email",
                }
            ],
            "total": 1,
            "total_is_exact": True,
            "next": None,
        }
    )


@pytest.mark.parametrize(
    "flags, ids, total",
    [
        ((), ["three", "two", "one"], 3),
        (("--state", "waiting", "--state", "queued"), ["three", "one"], 2),
        (("--since", "2027-01-15T09:00:00Z"), ["three", "two"], 2),
        (("--until", "2027-01-15T10:00:00+01:00"), ["two", "one"], 2),
        (("--since", "2027-01-15T08:30:00Z", "--until", "2027-01-15T09:30:00Z"), ["two"], 1),
        (("--limit", "1"), ["three"], 3),
        (("--limit", "1", "--offset", "1"), ["two"], 3),
        (("--state", "queued", "--state", "queued"), ["three"], 1),
        (("--channel", "text"), ["three"], 1),
        (("--priority", "high"), ["two"], 1),
        (("--server", "primary_email"), ["two"], 1),
        (("--job", " PAYROLL "), ["two"], 1),
        (("--schedule", "nightly"), ["two"], 1),
        (("--machine", "prod1"), ["three", "two"], 2),
        (("--machine", "prod1", "--channel", "email"), ["two"], 1),
        (("--recipient", "Boss@Example.com"), ["two"], 1),
        (("--recipient", "ops@example.com", "--since", "2027-01-15T07:00:00Z"), ["one"], 1),
    ],
)
@pytest.mark.usefixtures("three")
def test_filters_and_pages(notify: CommandLine, flags: tuple[str, ...], ids: list[str], total: int) -> None:
    listed = notify("message", "list", *flags, "--json").json
    assert ([message["id"] for message in listed["messages"]], listed["total"]) == (ids, total)


@pytest.mark.usefixtures("three")
def test_a_person_sees_number_state_age_and_why(notify: CommandLine) -> None:
    done = notify("message", "list", "--limit", "3")
    lines = done.out.splitlines()
    assert lines[0].split() == ["NUMBER", "STATE", "CHANNEL", "ACCEPTED", "WHY"]
    assert lines[3].split()[:3] == ["1", "waiting", "email"]
    assert lines[3].endswith(": primary_email: down")
    assert notify("message", "list", "--limit", "1").err == "1 of 3; --after 1800007200000.3 shows the next\n"
    assert (
        notify("message", "list", "--limit", "1", "--after", "1800007200000.3").out.splitlines()[1][0] == "2"
    )


def test_a_list_fits_the_terminal_and_is_whole_in_a_pipe(notify: CommandLine, told: ToldLedger) -> None:
    told.accept(email(id="n"))
    reason = "primary_email: " + "a long reason of many words " * 5
    told.finish(told.claim("n"), {}, [], reason=reason)
    shown = notify.terminal("message", "list", env={"NO_COLOR": "1"}).out.splitlines()
    assert len(shown) > 3
    assert max(map(len, shown)) <= 80
    assert reason.strip() in notify("message", "list").out


def test_a_filter_that_matches_nothing_ends_with_3_and_valid_json(notify: CommandLine) -> None:
    done = notify("message", "list", "--state", "failed", "--json")
    assert (done.code, done.json) == (
        3,
        {"messages": [], "total": 0, "total_is_exact": True, "next": None},
    )


def test_an_empty_installation_is_no_failure(notify: CommandLine) -> None:
    done = notify("message", "list")
    assert (done.code, done.out, done.err) == (0, "", "no notification was accepted yet\n")


@pytest.mark.parametrize(
    "flags",
    [
        ("--state", "lost"),
        ("--since", "yesterday"),
        ("--until", "2027-01-15"),
        ("--since", ""),
        ("--since", "99999999999s"),
        ("--since", "0001-01-01T00:00:00+23:59"),
        ("--until", "9999-12-31T23:59:59-23:59"),
        ("--limit", "0"),
        ("--limit", "1000000000"),
        ("--offset", "-1"),
        ("--after", "7"),
        ("--server", "nobody"),
        ("--channel", "fax"),
    ],
)
def test_a_filter_that_makes_no_sense_is_bad_input(notify: CommandLine, flags: tuple[str, ...]) -> None:
    done = notify("message", "list", *flags)
    assert done.code == 2
    assert flags[0] in done.error


def test_cancel_takes_id_or_number_and_keeps_who_did_it(notify: CommandLine, three: ToldLedger) -> None:
    done = notify("message", "cancel", "3", "--json")
    assert done.code == 0
    assert done.json == {"id": "three", "number": 3, "state": "cancelled", "outcome": "cancelled"}
    assert three.record("three").reason.startswith("cancelled by ")
    assert "@" in three.record("three").reason
    again = notify("message", "cancel", "three")
    assert (again.code, again.out) == (0, "ID=3 was cancelled before\n")


def test_what_is_being_sent_is_asked_to_stop(notify: CommandLine, told: ToldLedger) -> None:
    told.accept(email(id="n"))
    told.claim("n")
    done = notify("message", "cancel", "n", "--json")
    assert (done.code, done.json["outcome"], done.json["state"]) == (0, "asked", "sending")


@pytest.mark.usefixtures("three")
def test_what_is_delivered_cannot_be_cancelled(notify: CommandLine) -> None:
    done = notify("message", "cancel", "two")
    assert (done.code, done.error) == (1, "ID=2 is delivered already, so there is nothing to cancel")
    assert done.hint == "`notify message show 2` tells what happened"


def test_a_dry_run_cancels_nothing(notify: CommandLine, three: ToldLedger) -> None:
    done = notify("message", "cancel", "three", "--dry-run")
    assert (done.code, done.out) == (0, "ID=3 would be cancelled\n")
    assert three.record("three").state == "queued"
    assert notify("message", "cancel", "two", "--dry-run").code == 1


def test_nothing_to_cancel_ends_with_3(notify: CommandLine) -> None:
    assert notify("message", "cancel", "7").code == 3
