"""Each dead letter has a cause, each cause a part of the runbook, and a new way to end makes these fail."""

from __future__ import annotations

import re
from typing import Any

import pytest
import redis

from tasks.dead_letter import KEPT_WAITING, PAGE, Cause, cause_of
from tasks.ledger import DEAD_LETTERS
from tasks.ledger.queries import Record
from tasks.ledger.records import State
from tasks.verdict import Verdict
from tests.rigs.embedded import PROJECT
from tests.rigs.notifications import email
from tests.rigs.pages import anchors
from tests.rigs.told_ledger import ToldLedger

SCRIPTS = PROJECT / "tasks" / "ledger" / "lua"
#: Every end that the scripts give, and the reason in their words; `reason` is what the pass said.
ENDS = {
    ("failed", "reason"),
    ("failed", "'uncertain: the worker ended while the server had the message'"),
    ("failed", "'poison: ' .. lapses .. ' workers ended while they held it'"),
    ("failed", "'a late reply said delivered'"),
    ("expired", "'expired'"),
    ("expired", "'expired: ' .. reason"),
    ("expired", "'expired: ' .. (record.reason or 'not sent in time')"),
    ("cancelled", "'cancelled'"),
    ("cancelled", "'cancelled by ' .. ARGV[3]"),
}


def record(state: State, reason: str, *verdicts: str) -> Record:
    timeline: tuple[dict[str, Any], ...] = tuple({"at": 1, "verdict": verdict} for verdict in verdicts)
    return Record(
        id="n", number=1, state=state, channel="email", lane="normal", reason=reason, accepted_at_ms=0,
        expires_at_ms=1, next_at_ms=None, finished_at_ms=1, passes=1, lapses=0, outcomes=("open",),
        content="{}", timeline=timeline,
    )  # fmt: skip


def test_the_scripts_end_nothing_in_a_way_that_is_not_known_here() -> None:
    scripts = "".join(path.read_text(encoding="utf-8") for path in SCRIPTS.glob("*.lua"))
    calls = re.findall(r"^(?!local).*\bfinish_as\(record, (.*), now\)$", scripts, re.MULTILINE)
    assert set(calls) == {f"'{state}', {reason}" for state, reason in ENDS}
    assert scripts.count("finish_as(record") == len(calls) + 1, "an end is written in another form"


def test_every_verdict_that_keeps_something_waiting_has_a_cause() -> None:
    ends = {Verdict.DELIVERED, Verdict.UNCERTAIN}
    assert {each.value for each in Verdict if not each.refuses and each not in ends} <= KEPT_WAITING.keys()


@pytest.mark.parametrize(
    "found, cause",
    [
        (record("failed", "primary_email: x", "recipient_refused"), Cause.RECIPIENT_REFUSED),
        (record("failed", "primary_email: x", "recipient_refused", "message_refused"), Cause.MESSAGE_REFUSED),
        (record("failed", "x", "message_refused", "replayed", "recipient_refused"), Cause.RECIPIENT_REFUSED),
        (record("failed", "poison: 3 workers ended while they held it", "lease_over"), Cause.POISON),
        (record("failed", "a late reply said delivered"), Cause.FAILED),
        (record("partial", "x", "recipient_refused"), Cause.PARTIAL),
        (record("uncertain", "x", "uncertain"), Cause.UNCERTAIN),
        (record("expired", "expired: Primary Email server name is blank", "expired"), Cause.HELD),
        (record("expired", "expired: x", "server_down", "expired"), Cause.SERVER_DOWN),
        (record("expired", "expired: x", "server_down", "passed_over", "expired"), Cause.SERVER_DOWN),
        (record("expired", "expired: x", "server_down", "misconfigured", "expired"), Cause.MISCONFIGURED),
        (record("expired", "expired: x", "throttled", "expired"), Cause.THROTTLED),
        (record("expired", "expired: our own limit of messages per minute", "expired"), Cause.THROTTLED),
        (record("expired", "expired: x", "recipient_waits", "expired"), Cause.NOT_TAKEN),
        (record("expired", "expired: x", "message_waits", "expired"), Cause.NOT_TAKEN),
        (record("expired", "expired: x", "paused", "expired"), Cause.PAUSED),
        (record("expired", "expired: strict: x", "attachments_wait", "expired"), Cause.FILES_MISSING),
        (record("expired", "expired"), Cause.NEVER_TRIED),
        (record("expired", "expired: not sent in time", "remark", "expired"), Cause.NEVER_TRIED),
        (record("expired", "expired", "lease_over", "expired"), Cause.EXPIRED),
    ],
)  # fmt: skip
def test_what_happened_last_decides(found: Record, cause: Cause) -> None:
    assert cause_of(found) is cause


def test_what_is_no_dead_letter_has_no_cause() -> None:
    for state in ("queued", "sending", "waiting", "held", "delivered", "cancelled"):
        assert state not in DEAD_LETTERS
        assert cause_of(record(state, "x", "server_down")) is None


def test_every_cause_has_its_part_of_the_page_with_all_that_a_part_must_say() -> None:
    page = (PROJECT / PAGE).read_text(encoding="utf-8")
    parts = dict(re.findall(r"^## (.+?)\n\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL))
    assert set(parts) == {each.value for each in Cause} | {"Cancelled"}
    for heading, text in parts.items():
        for said in ("**What it means.**", "**What to look at.**", "**What to do.**"):
            assert text.count(said) == 1, heading
    assert Cause.NOT_TAKEN.link == f"{PAGE}#expired-put-off-by-the-server"
    assert {each.link.partition("#")[2] for each in Cause} <= anchors(PROJECT / PAGE)
    assert len({each.link for each in Cause}) == len(Cause)


def test_a_real_dead_letter_names_its_part(redis_server: redis.Redis) -> None:
    told = ToldLedger(redis_server)
    dead = told.accept(email())
    told.finish(told.claim(dead), {0: "r"}, [told.entry("primary_email", "recipient_refused")], then="failed")
    assert cause_of(told.record(dead)) is Cause.RECIPIENT_REFUSED
