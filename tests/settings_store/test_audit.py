"""The audit: rows are added once, found by what was done, never changed, and go when they are old."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis

from settings_store.audit import TRIM_MAXIMUM_ROWS, Audit, audit_key
from settings_store.audit_row import ENTRIES_MAXIMUM, TEXT_MAXIMUM_CHARACTERS, Wanted, bounded
from settings_store.errors import DamagedSettings, StaleRevision
from settings_store.keyring import Keyring
from settings_store.kinds import MASK
from settings_store.store import SettingsStore
from tests.rigs.forgetful_redis import ForgetfulConnection, forgetful_client

PORT = "primary_email.server_port"
_DAY_MS = 86_400_000


@pytest.fixture
def audit(any_redis: redis.Redis) -> Audit:
    return Audit(any_redis)


def now_ms(client: redis.Redis) -> int:
    seconds, microseconds = client.time()
    return int(seconds) * 1000 + int(microseconds) // 1000


def planted(client: redis.Redis, *days_ago: int) -> None:
    """Rows as they were written so many days ago, oldest first."""
    row: dict[Any, Any] = {
        "mark": "m",
        "actor": "old",
        "source": "",
        "action": "a.b",
        "target": "",
        "outcome": "done",
    }
    for days in days_ago:
        entry = f"{now_ms(client) - days * _DAY_MS}-*"
        client.xadd("notify:audit", {**row, "detail": "{}"}, id=entry)


def test_a_row_says_who_did_what_to_what_when_from_where_and_how_it_ended(audit: Audit) -> None:
    before = datetime.now(UTC)
    audit.record(
        "anna", "server.pause", "primary_email", outcome="done", detail={"minutes": 30}, source="web 10.0.0.9"
    )
    (row,) = audit.rows()
    assert (row.actor, row.source, row.action, row.target) == (
        "anna",
        "web 10.0.0.9",
        "server.pause",
        "primary_email",
    )
    assert (row.outcome, row.detail) == ("done", {"minutes": 30})
    assert abs(row.at - before) < timedelta(minutes=2)


def test_rows_come_newest_first_or_oldest_first_and_all_of_them(audit: Audit) -> None:
    for number in range(1203):  # more than are read at once, twice
        audit.record("anna", "message.cancel", str(number))
    newest_first = [int(row.target) for row in audit.rows()]
    assert newest_first == list(range(1202, -1, -1))
    assert [int(row.target) for row in audit.rows(oldest_first=True)] == newest_first[::-1]


@pytest.mark.parametrize(
    "wanted, found",
    [
        (Wanted(), {1, 2, 3, 4}),
        (Wanted(actor="anna"), {1, 4}),
        (Wanted(actor="*@batch1"), {2}),
        (Wanted(actor="ANNA"), {1, 4}),
        (Wanted(actor="ann"), set()),
        (Wanted(action="message"), {2, 3}),
        (Wanted(action="message.cancel"), {2}),
        (Wanted(action="*.replay"), {3}),
        (Wanted(action="mess"), set()),
        (Wanted(target="primary_*"), {1}),
        (Wanted(outcome="refused"), {4}),
        (Wanted(actor="anna", outcome="refused"), {4}),
        (Wanted(actor="[ab]*"), set()),
        (Wanted(since=datetime(2000, 1, 1, tzinfo=UTC)), {1, 2, 3, 4}),
        (Wanted(until=datetime(2000, 1, 1, tzinfo=UTC)), set()),
        (Wanted(since=datetime(2100, 1, 1, tzinfo=UTC)), set()),
    ],
)
def test_what_is_asked_for_is_found_and_nothing_else(audit: Audit, wanted: Wanted, found: set[int]) -> None:
    audit.record("anna", "server.pause", "primary_email", detail={"n": 1})
    audit.record("root@batch1", "message.cancel", "7", detail={"n": 2})
    audit.record("token:ci", "message.replay", "8", detail={"n": 3})
    audit.record("anna", "sign_in.password", "anna", outcome="refused", detail={"n": 4})
    assert {row.detail["n"] for row in audit.rows(wanted)} == found


@pytest.mark.parametrize("action", ["", "pause", "Server.pause", "server.pause now", "server."])
def test_an_action_that_is_none_is_a_fault_of_the_caller(audit: Audit, action: str) -> None:
    with pytest.raises(ValueError, match=r"is no action: write noun\.verb"):
        audit.record("anna", action)


def test_an_outcome_that_is_none_is_a_fault_of_the_caller(audit: Audit) -> None:
    with pytest.raises(ValueError, match="it is one of done, refused, failed"):
        audit.record("anna", "server.pause", outcome="ok")  # type: ignore[arg-type]


def test_a_change_of_options_writes_its_row_with_the_revision(any_redis: redis.Redis) -> None:
    store = SettingsStore(any_redis, source="cli batch1")
    store.change({PORT: 587}, author="root@batch1", reason="new relay")
    store.change({PORT: 465, "text.labels": False}, author="anna")
    store.rollback(1, author="anna", reason="as before")
    store.reset([PORT], author="anna")
    rolled, changed, first = [*Audit(any_redis).rows()][1:]
    assert (first.actor, first.source, first.action, first.target) == (
        "root@batch1",
        "cli batch1",
        "options.change",
        PORT,
    )
    assert first.detail == {"revision": 1, "reason": "new relay", "changes": {PORT: [25, 587]}}
    assert (changed.target, changed.detail["revision"]) == ("2 options", 2)
    assert (rolled.action, rolled.detail["reason"]) == ("options.rollback", "as before")
    assert next(Audit(any_redis).rows()).action == "options.reset"


def test_an_option_is_found_in_a_change_of_several(any_redis: redis.Redis) -> None:
    store = SettingsStore(any_redis)
    store.change({PORT: 465, "text.labels": False}, author="anna")
    assert len([*Audit(any_redis).rows(Wanted(target=PORT))]) == 1
    assert not [*Audit(any_redis).rows(Wanted(target="text.delimiter"))]


def test_what_was_not_saved_leaves_no_row(any_redis: redis.Redis) -> None:
    store = SettingsStore(any_redis)
    store.change({PORT: 25}, author="anna")
    with pytest.raises(StaleRevision):
        store.change({PORT: 26}, author="anna", expected_revision=7)
    assert not [*Audit(any_redis).rows()]


def test_where_no_row_can_be_written_no_revision_is_saved(any_redis: redis.Redis) -> None:
    any_redis.set(audit_key("notify"), "of another kind")
    store = SettingsStore(any_redis)
    with pytest.raises(redis.ResponseError):
        store.change({PORT: 587}, author="anna")
    assert (store.snapshot().revision, store.history()) == (0, [])


def test_secrets_are_masked_in_rows(any_redis: redis.Redis, keyring: Keyring) -> None:
    store = SettingsStore(any_redis, keyring=keyring)
    store.change({"primary_email.client_secret": "hunter2"}, author="anna")
    (row,) = Audit(any_redis).rows()
    assert row.detail["changes"] == {"primary_email.client_secret": ["", MASK]}
    sealed = store.snapshot().seal("primary_email.client_secret")
    Audit(any_redis).record("anna", "server.test", detail={"draft": [{"secret": sealed}]})
    assert sealed not in json.dumps(any_redis.xrange("notify:audit"))


def test_a_row_whose_reply_was_lost_is_written_once(
    any_redis: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    audit = Audit(forgetful_client(any_redis))
    audit.record("anna", "message.cancel", "1")  # the script is known to the server now
    monkeypatch.setattr(ForgetfulConnection, "losses_left", 2)
    entry = audit.record("anna", "message.cancel", "2")
    assert ForgetfulConnection.losses_left == 0, "the replies must have been lost"
    assert [row.target for row in audit.rows()] == ["2", "1"]
    assert next(audit.rows()).id == entry


def test_a_full_redis_takes_the_row_all_the_same(any_redis: redis.Redis) -> None:
    audit = Audit(any_redis)
    audit.record("anna", "message.cancel", "1")
    any_redis.config_set("maxmemory", "1")
    try:
        with pytest.raises(redis.exceptions.OutOfMemoryError):
            any_redis.set("x", "y")
        audit.record("anna", "message.cancel", "2")
    finally:
        any_redis.config_set("maxmemory", "0")
    assert [row.target for row in audit.rows()] == ["2", "1"]


def test_rows_older_than_the_days_go_and_the_others_stay(any_redis: redis.Redis, audit: Audit) -> None:
    planted(any_redis, 40, 31, 29, 1)
    assert audit.trim(days=30) == 2
    assert audit.trim(days=30) == 0
    assert len([*audit.rows()]) == 2
    assert audit.trim(days=10) == 1


def test_trimming_takes_a_bounded_number_at_once(
    any_redis: redis.Redis, audit: Audit, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert TRIM_MAXIMUM_ROWS > 1000
    monkeypatch.setattr("settings_store.audit.TRIM_MAXIMUM_ROWS", 150)
    planted(any_redis, *range(750, 50, -1), 1)
    gone = [audit.trim(days=30)]
    while gone[-1]:
        gone.append(audit.trim(days=30))
    assert sum(gone) == 700
    assert max(gone) <= 150
    assert len([*audit.rows()]) == 1


def test_an_audit_of_another_program_is_refused(any_redis: redis.Redis, audit: Audit) -> None:
    any_redis.xadd("notify:audit", {"their": "row"})
    with pytest.raises(DamagedSettings, match="the audit holds a row that was not written by this program"):
        list(audit.rows())


def test_a_detail_is_bounded() -> None:
    long = bounded({"text": "x" * 9000, "ids": list(range(1000)), "map": {str(n): n for n in range(1000)}})
    assert len(long["text"]) == TEXT_MAXIMUM_CHARACTERS + 1
    assert len(long["ids"]) == ENTRIES_MAXIMUM + 1
    assert long["ids"][-1] == "… 800 more"
    assert long["map"]["…"] == "800 more"
    assert bounded(datetime(2026, 1, 1, tzinfo=UTC)) == "2026-01-01 00:00:00+00:00"
