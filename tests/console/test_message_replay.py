"""`notify message replay`, and `cancel` for many: who is meant, what is refused, what is said."""

from __future__ import annotations

import signal

import pytest
import redis

from settings_store.audit import Audit
from tests.rigs.command_line import CommandLine
from tests.rigs.notifications import email
from tests.rigs.processes import wait_until
from tests.rigs.told_ledger import ToldLedger

DOWN = "primary_email: refused the message"
WHY = ("--reason", "relay is back")


def failed(told: ToldLedger, notification_id: str, *, reason: str = DOWN, job: str = "Payroll") -> None:
    told.accept(email(id=notification_id, context={"job": job}))
    told.finish(
        told.claim(notification_id),
        {0: "r"},
        [told.entry("primary_email", "message_refused")],
        reason=reason,
    )


@pytest.fixture
def letters(told: ToldLedger) -> ToldLedger:
    """Two failed, one expired, one uncertain, one delivered, one queued, accepted in this order."""
    failed(told, "failed-1")
    failed(told, "failed-2", reason="primary_email: no such user", job="Backup")
    told.accept(email(id="expired", expires=None))
    told.accept(email(id="uncertain"))
    told.finish(told.claim("uncertain"), {0: "x"}, [], reason="no reply")
    told.accept(email(id="delivered"))
    told.finish(told.claim("delivered"), {0: "d"}, [])
    told.clock.advance(25 * 3600)
    told.ledger.sweep("normal", room=1)
    told.accept(email(id="queued"))
    return told


def test_a_dead_letter_is_replayed_by_id_or_number_with_reason_and_audit(
    notify: CommandLine, letters: ToldLedger, redis_server: redis.Redis
) -> None:
    done = notify("message", "replay", "failed-1", "2", *WHY)
    assert done.code == 0
    for name in ("failed-1", "failed-2"):
        record = letters.record(name)
        assert record.state == "queued"
        assert record.timeline[-1]["reason"] == "relay is back"
        assert record.expires_at_ms == record.timeline[-1]["at"] + 24 * 3_600_000
    (row,) = Audit(redis_server).rows()
    assert (row.action, row.target, row.outcome) == ("message.replay", "", "done")
    assert dict(row.detail) == {"reason": "relay is back", "of": 2, "replayed": 2}


def test_a_dry_run_counts_by_outcome_state_and_reason_and_changes_nothing(
    notify: CommandLine, letters: ToldLedger, redis_server: redis.Redis
) -> None:
    done = notify("message", "replay", "--since", "2027-01-01T00:00:00Z", "--dry-run")
    assert done.code == 0
    rows = {tuple(line.split()[:3]) for line in done.out.splitlines()[1:]}
    assert rows == {("1", "would", "be"), ("1", "left:", "expired;"), ("1", "left:", "uncertain,")}
    assert done.err == "dry run: nothing was changed\n"
    assert letters.record("failed-1").state == "failed"
    assert list(Audit(redis_server).rows()) == []


def test_the_json_has_stable_names(notify: CommandLine, letters: ToldLedger) -> None:
    del letters
    done = notify("message", "replay", "--state", "failed", "--job", "backup", *WHY, "--json")
    assert done.json == {
        "dry_run": False,
        "done": 1,
        "outcomes": {"replayed": 1},
        "reasons": [
            {
                "outcome": "replayed",
                "state": "failed",
                "reason": "primary_email: no such user",
                "count": 1,
            }
        ],
        "messages": [{"id": "failed-2", "number": 2, "state": "queued", "outcome": "replayed"}],
        "whole": True,
    }


@pytest.mark.parametrize(
    "flag, name", [("--even-expired", "expired"), ("--even-uncertain", "uncertain")], ids=str
)
def test_what_is_stale_or_may_arrive_twice_goes_only_where_a_flag_says_so(
    notify: CommandLine, letters: ToldLedger, flag: str, name: str
) -> None:
    left = notify("message", "replay", name, *WHY)
    assert left.code == 1
    assert flag in left.out
    assert letters.record(name).state == name
    assert notify("message", "replay", name, *WHY, flag).code == 0
    assert letters.record(name).state == "queued"


def test_a_filter_takes_what_it_may_and_leaves_the_rest(notify: CommandLine, letters: ToldLedger) -> None:
    done = notify("message", "replay", "--since", "2027-01-01T00:00:00Z", *WHY, "--json")
    assert done.code == 0
    assert done.json["outcomes"] == {"replayed": 2, "expired": 1, "uncertain": 1}
    assert letters.record("expired").state == "expired"
    again = notify("message", "replay", "--since", "2027-01-01T00:00:00Z", *WHY)
    assert again.code == 1


def test_a_rate_gives_each_its_turn_in_the_ledger_oldest_first(
    notify: CommandLine, letters: ToldLedger
) -> None:
    done = notify("message", "replay", "--state", "failed", *WHY, "--rate", "2")
    assert (done.code, done.err) == (0, "paced: the last of 2 goes out in 30 s at the latest\n")
    first, second = letters.record("failed-1"), letters.record("failed-2")
    assert (first.state, second.state) == ("queued", "waiting")
    turn = second.timeline[-1]["at"] + 30_000
    assert (second.next_at_ms, second.expires_at_ms) == (turn, turn + 24 * 3_600_000)
    assert second.reason.endswith(", paced")


@pytest.mark.parametrize(
    "arguments, code, said",
    [
        (("failed-1",), 2, "--reason: is missing"),
        (("failed-1", "--reason", "  "), 2, "--reason: is missing"),
        (WHY, 2, "nothing is named"),
        (("failed-1", "--state", "failed", *WHY), 2, "ID: stands beside a filter"),
        (("--state", "delivered", *WHY), 2, "--state: delivered does not go with this"),
        (("--state", "failed", "--job", "none", *WHY), 3, "nothing matches"),
        (("99", *WHY), 3, "99: there is no such notification"),
        *(
            (("--state", "failed", "--rate", rate, *WHY), 2, "--rate")
            for rate in ("0", "1e-300", "nan", "0.5")
        ),
    ],
)
def test_what_cannot_be_meant_is_refused_with_one_error(
    notify: CommandLine, letters: ToldLedger, arguments: tuple[str, ...], code: int, said: str
) -> None:
    done = notify("message", "replay", *arguments)
    assert done.code == code
    assert said in done.error
    assert letters.record("failed-1").state == "failed"


@pytest.mark.parametrize("name", ["delivered", "queued"])
def test_only_dead_letters_are_replayed(notify: CommandLine, letters: ToldLedger, name: str) -> None:
    done = notify("message", "replay", name, "failed-1", *WHY)
    assert done.code == 1
    assert "left: no dead letter" in done.out
    assert letters.record("failed-1").state == "queued"


def test_broken_off_it_says_what_was_done_and_goes_on_when_repeated(
    notify: CommandLine, told: ToldLedger
) -> None:
    for number in range(2500):
        failed(told, f"n{number}")
    process = notify.start("message", "replay", "--state", "failed", *WHY)
    try:
        wait_until(lambda: told.queries.counts()["queued"] > 0, what="the first being replayed")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
    done = told.queries.counts()["queued"]
    if process.returncode == 0:  # it was done before the signal came
        assert done == 2500
        return
    assert process.returncode == 130
    said = int(err.decode().split("broken off: ")[1].split()[0])
    assert said <= done <= said + 100
    assert notify("message", "replay", "--state", "failed", *WHY).code == 0
    assert told.queries.counts()["queued"] == 2500


def test_many_are_cancelled_by_filter_with_a_reason(notify: CommandLine, letters: ToldLedger) -> None:
    letters.accept(email(id="other", context={"job": "Backup"}))
    letters.accept(email(id="sent"))
    letters.claim("sent")
    assert notify("message", "cancel", "--since", "2027-01-01T00:00:00Z").error == "--reason: is missing"
    dry = notify("message", "cancel", "--job", "backup", "--dry-run", "--json").json
    assert (dry["outcomes"], dry["messages"][0]["id"]) == ({"cancelled": 1}, "other")
    assert letters.record("other").state == "queued"
    done = notify("message", "cancel", "--since", "2027-01-01T00:00:00Z", "--reason", "by hand", "--json")
    assert (done.code, done.json["outcomes"]) == (0, {"cancelled": 2, "asked": 1})
    assert letters.record("other").timeline[-1]["reason"].endswith(": by hand")
    assert letters.record("failed-1").state == "failed"
    assert notify("message", "cancel", "--state", "failed", *WHY).code == 2


def test_several_ids_are_cancelled_and_one_that_is_final_makes_it_fail(
    notify: CommandLine, letters: ToldLedger
) -> None:
    done = notify("message", "cancel", "queued", "delivered")
    assert done.code == 1
    assert "left: final already" in done.out
    assert letters.record("queued").state == "cancelled"


def test_the_rarest_reasons_are_put_together(notify: CommandLine, told: ToldLedger) -> None:
    for number in range(60):
        failed(told, f"n{number}", reason=f"reason {number % 20}")
    done = notify("message", "replay", "--state", "failed", "--dry-run")
    lines = done.out.splitlines()
    assert len(lines) == 14
    assert lines[-1].split()[:3] == ["24", "and", "others"]
    assert len(notify("message", "replay", "--state", "failed", "--dry-run", "--json").json["reasons"]) == 20
