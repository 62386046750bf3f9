"""Saving and reading options on real servers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import redis

from settings_store.catalog import ALL_OPTIONS
from settings_store.errors import (
    BrokenSeal,
    DamagedSettings,
    InvalidChange,
    InvalidValue,
    MissingKey,
    NoKeyring,
    StaleRevision,
    UnknownOption,
    UnknownRevision,
)
from settings_store.keyring import Keyring
from settings_store.kinds import MASK
from settings_store.store import SettingsStore
from tests.rigs.option_values import another_value

HOST = "primary_email.server_name"
PORT = "primary_email.server_port"
SSL = "primary_email.enable_ssl"
PASSWORD = "primary_email.authentication_password"
OTHER_PASSWORD = "secondary_email.authentication_password"
CLIENT_SECRET = "primary_email.client_secret"


def test_nothing_set_is_revision_0_and_all_defaults(store: SettingsStore) -> None:
    snapshot = store.snapshot()
    assert snapshot.revision == 0
    assert snapshot.changed == frozenset()
    assert store.history() == []
    assert store.changed() == {}


def test_a_change_is_one_revision_that_every_reader_sees(
    store: SettingsStore, any_redis: redis.Redis
) -> None:
    change = store.change({HOST: "mail", PORT: "587", SSL: "yes"}, author="anna", reason="new relay")
    assert (change.revision, change.saved) == (1, True)
    assert change.changes == {HOST: ("", "mail"), PORT: (25, 587), SSL: (False, True)}
    assert change.warnings == ()
    other = SettingsStore(any_redis).snapshot()
    assert other.revision == 1
    assert (other.get(HOST), other.get(PORT), other.get(SSL)) == ("mail", 587, True)
    assert any_redis.hget(store.revision_key, "revision") == "1"


def test_a_snapshot_is_one_round_trip_however_many_options_are_set(
    store: SettingsStore, any_redis: redis.Redis
) -> None:
    store.change({HOST: "mail", PORT: 587}, author="anna")
    any_redis.config_resetstat()
    store.snapshot()
    calls = {name: each["calls"] for name, each in dict(any_redis.info("commandstats")).items()}
    assert calls == {"cmdstat_hmget": 1, "cmdstat_config|resetstat": 1}


def test_a_snapshot_never_changes_under_its_reader(store: SettingsStore) -> None:
    before = store.snapshot()
    store.change({PORT: 587}, author="anna")
    assert before.get(PORT) == 25
    assert store.snapshot().get(PORT) == 587


def test_a_server_that_was_emptied_is_noticed(store: SettingsStore, any_redis: redis.Redis) -> None:
    store.change({PORT: 587}, author="anna")
    assert store.snapshot().get(PORT) == 587
    any_redis.flushall()
    store.change({PORT: 26}, author="anna")
    assert (store.snapshot().revision, store.snapshot().get(PORT)) == (1, 26)


def test_only_what_differs_from_its_default_is_stored(store: SettingsStore, any_redis: redis.Redis) -> None:
    store.change({PORT: 587, HOST: "mail"}, author="anna")
    store.change({PORT: 25}, author="anna")
    assert any_redis.hget("notify:settings", "values") == f'{{"{HOST}": "mail"}}'
    assert set(store.changed()) == {HOST}


def test_a_change_that_changes_nothing_makes_no_revision(store: SettingsStore) -> None:
    store.change({PORT: 587}, author="anna")
    again = store.change({PORT: "0587", HOST: ""}, author="bert")
    assert (again.revision, again.saved, again.changes) == (1, False, {})
    assert len(store.history()) == 1


def test_a_change_is_saved_whole_or_not_at_all_and_all_faults_are_told(store: SettingsStore) -> None:
    with pytest.raises(InvalidChange) as caught:
        store.change({HOST: "mail", PORT: 0, "primary_email.server_nam": "x", PASSWORD: "pw"}, author="a")
    kinds = [type(fault) for fault in caught.value.faults]
    assert kinds == [InvalidValue, UnknownOption, InvalidValue]
    for said in (PORT, "did you mean primary_email.server_name", f"{PASSWORD}: is not encrypted"):
        assert said in str(caught.value)
    assert store.snapshot().revision == 0


def test_a_single_fault_is_its_own_error(store: SettingsStore) -> None:
    with pytest.raises(InvalidValue, match=PORT):
        store.change({PORT: 0}, author="anna")
    with pytest.raises(UnknownOption, match="server_nam"):
        store.change({"primary_email.server_nam": "x"}, author="anna")


@pytest.mark.parametrize(
    "author, reason", [("", "x"), (" ", ""), ("a\nb", ""), ("a" * 201, ""), ("a", "x\ny")]
)
def test_author_and_reason_must_be_lines_that_can_be_shown(
    redis_server: redis.Redis, author: str, reason: str
) -> None:
    with pytest.raises(InvalidValue, match=r"author|reason"):
        SettingsStore(redis_server).change({PORT: 587}, author=author, reason=reason)


def test_history_tells_who_when_why_and_what(store: SettingsStore, any_redis: redis.Redis) -> None:
    store.change({PORT: 587}, author="Änne <a@b>", reason='say "why" \\ €')
    store.change({PORT: 465, SSL: True}, author="bert")
    newest, oldest = store.history()
    assert (newest.revision, newest.author, newest.reason) == (2, "bert", "")
    assert newest.changes == {PORT: (587, 465), SSL: (False, True)}
    assert (oldest.revision, oldest.author, oldest.reason) == (1, "Änne <a@b>", 'say "why" \\ €')
    seconds, _ = any_redis.time()
    assert abs(newest.at - datetime.fromtimestamp(seconds, UTC)) < timedelta(seconds=30)
    assert [row.revision for row in store.history(1)] == [2]
    assert store.history(0) == []


def test_changed_marks_who_set_each_option_last(store: SettingsStore, any_redis: redis.Redis) -> None:
    store.change({PORT: 587, HOST: "a"}, author="Änne")
    store.change({HOST: "b"}, author="bert")
    marks = store.changed()
    newest, oldest = store.history()
    assert {key: mark.author for key, mark in marks.items()} == {PORT: "Änne", HOST: "bert"}
    assert {key: mark.at for key, mark in marks.items()} == {PORT: oldest.at, HOST: newest.at}
    store.reset(["all"], author="anna")
    assert store.changed() == {}
    assert any_redis.hget(store.revision_key, "marks") == "{}"


def test_a_change_made_from_an_old_revision_is_refused_and_told_what_came_between(
    store: SettingsStore,
) -> None:
    seen = store.snapshot().revision
    store.change({PORT: 587}, author="anna")
    store.change({HOST: "mail"}, author="bert")
    with pytest.raises(StaleRevision) as caught:
        store.change({PORT: 465}, author="carl", expected_revision=seen)
    assert (caught.value.expected, caught.value.actual) == (0, 2)
    by_bert, by_anna = caught.value.between
    assert by_bert.startswith("revision 2: bert at ")
    assert by_bert.endswith(f"changed {HOST}")
    assert by_anna.startswith("revision 1: anna at ")
    for said in ("from revision 0", "at revision 2", by_bert, by_anna):
        assert said in str(caught.value)
    assert store.snapshot().get(PORT) == 587
    assert store.change({PORT: 465}, author="carl", expected_revision=2).revision == 3


def test_a_change_made_from_a_revision_that_is_not_yet_is_refused(store: SettingsStore) -> None:
    with pytest.raises(StaleRevision, match=r"from revision 7.*at revision 0"):
        store.change({PORT: 587}, author="anna", expected_revision=7)


def test_repeating_ones_own_change_is_harmless_but_not_anothers(store: SettingsStore) -> None:
    store.change({PORT: 587}, author="anna", expected_revision=0)
    again = store.change({PORT: 587}, author="anna", expected_revision=0)
    assert (again.revision, again.saved) == (1, False)
    with pytest.raises(StaleRevision):
        store.change({PORT: 587}, author="bert", expected_revision=0)
    store.change({HOST: "mail"}, author="bert")
    with pytest.raises(StaleRevision):
        store.change({PORT: 587}, author="anna", expected_revision=0)


def test_a_dry_run_tells_all_and_saves_nothing(store: SettingsStore) -> None:
    sealed = store.cipher.seal_for_pasting("pw")
    preview = store.change({SSL: "on", PASSWORD: sealed}, author="anna", dry_run=True)
    assert (preview.revision, preview.saved) == (0, False)
    assert preview.changes == {SSL: (False, True), PASSWORD: ("", MASK)}
    assert any("port 25" in warning for warning in preview.warnings)
    assert store.snapshot().revision == 0
    with pytest.raises(InvalidValue):
        store.change({PORT: 0}, author="anna", dry_run=True)


def test_warnings_judge_the_options_as_they_are_after_the_change(store: SettingsStore) -> None:
    assert store.change({SSL: True}, author="anna").warnings
    assert store.change({PORT: 587}, author="anna").warnings == ()
    assert store.change({SSL: True, PORT: 25}, author="anna").warnings
    assert store.change({PORT: 25}, author="anna").warnings, "also where nothing was to be saved"


def test_reset_takes_options_groups_or_all(store: SettingsStore) -> None:
    store.change({HOST: "mail", PORT: 587, "mirror.sms": True, "primary_sms.server_port": 26}, author="a")
    assert store.reset([PORT], author="a").changes == {PORT: (587, 25)}
    assert store.snapshot().changed >= {HOST, "mirror.sms"}
    assert store.reset(["primary_email", "mirror.sms"], author="a").changes == {
        HOST: ("mail", ""),
        "mirror.sms": (True, False),
    }
    assert store.reset(["all"], author="a", expected_revision=3).saved
    assert store.snapshot().changed == frozenset()
    assert not store.reset(["all"], author="a").saved
    with pytest.raises(UnknownOption, match="did you mean primary_email"):
        store.reset(["primary_emai"], author="a")
    with pytest.raises(StaleRevision):
        store.reset(["all"], author="b", expected_revision=1)


def test_rollback_is_a_new_revision_with_the_values_of_then_secrets_included(store: SettingsStore) -> None:
    store.change({PORT: 587, PASSWORD: store.cipher.seal_for_pasting("then")}, author="anna")
    store.change({PORT: 25, HOST: "mail", PASSWORD: ""}, author="anna")
    store.change({PASSWORD: store.cipher.seal_for_pasting("now")}, author="anna")
    assert store.at(1).get(PORT) == 587
    change = store.rollback(1, author="bert", reason="back")
    assert (change.revision, change.saved) == (4, True)
    assert change.changes == {PORT: (25, 587), HOST: ("mail", ""), PASSWORD: (MASK, MASK)}
    assert store.snapshot().secret(PASSWORD)() == "then"
    assert store.rollback(0, author="bert").revision == 5
    assert store.snapshot().stored == {}


@pytest.mark.parametrize("revision", [-1, 2, 99])
def test_rollback_to_what_never_was_is_refused(redis_server: redis.Redis, revision: int) -> None:
    store = SettingsStore(redis_server)
    store.change({PORT: 587}, author="anna")
    with pytest.raises(UnknownRevision, match=f"revision {revision}: the history does not reach it"):
        store.rollback(revision, author="anna")


def test_rollback_beyond_the_history_that_is_kept_is_refused(
    redis_server: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("settings_store.store.HISTORY_MAXIMUM_REVISIONS", 3)
    store = SettingsStore(redis_server)
    for port in range(30, 36):
        store.change({PORT: port}, author="anna")
    assert [row.revision for row in store.history()] == [6, 5, 4]
    assert store.at(3).get(PORT) == 32
    with pytest.raises(UnknownRevision):
        store.at(2)


def test_a_secret_is_sealed_for_its_option_and_opens_there_only(
    store: SettingsStore, any_redis: redis.Redis, keyring: Keyring
) -> None:
    pasted = store.cipher.seal_for_pasting("pw-1")
    store.change({PASSWORD: pasted, OTHER_PASSWORD: pasted, CLIENT_SECRET: "plain-2"}, author="anna")
    snapshot = store.snapshot()
    assert [snapshot.secret(key)() for key in (PASSWORD, OTHER_PASSWORD, CLIENT_SECRET)] == [
        "pw-1",
        "pw-1",
        "plain-2",
    ]
    assert len({pasted, snapshot.seal(PASSWORD), snapshot.seal(OTHER_PASSWORD)}) == 3
    values = str(any_redis.hget("notify:settings", "values"))
    moved = values.replace(snapshot.seal(OTHER_PASSWORD), snapshot.seal(PASSWORD))
    any_redis.hset("notify:settings", "values", moved)
    with pytest.raises(BrokenSeal, match=f"{OTHER_PASSWORD}: the key {keyring.primary}"):
        store.snapshot().secret(OTHER_PASSWORD)()


def test_giving_a_secret_again_changes_nothing_and_another_one_does(store: SettingsStore) -> None:
    store.change({PASSWORD: store.cipher.seal_for_pasting("one")}, author="anna")
    seal = store.snapshot().seal(PASSWORD)
    assert not store.change({PASSWORD: store.cipher.seal_for_pasting("one")}, author="anna").saved
    assert store.snapshot().seal(PASSWORD) == seal
    change = store.change({PASSWORD: store.cipher.seal_for_pasting("two")}, author="anna")
    assert change.changes == {PASSWORD: (MASK, MASK)}
    assert store.history(1)[0].shown == {PASSWORD: (MASK, MASK)}


@pytest.mark.parametrize("given", ["enc:v1:k:AAAA", "enc:v1:nonsense", "enc:v9:k:AAAA"])
def test_a_secret_that_cannot_be_opened_is_not_saved(store: SettingsStore, given: str) -> None:
    with pytest.raises((MissingKey, InvalidValue), match=f"^{PASSWORD}: "):
        store.change({PORT: 587, PASSWORD: given}, author="anna")
    assert store.snapshot().revision == 0


def test_without_a_key_ring_everything_but_secrets_works(
    store: SettingsStore, any_redis: redis.Redis
) -> None:
    pasted = store.cipher.seal_for_pasting("pw")
    store.change({PASSWORD: pasted}, author="anna")
    keyless = SettingsStore(any_redis)
    assert keyless.snapshot().get(PASSWORD) == MASK
    assert keyless.change({PORT: 587}, author="bert").saved
    for values in ({PASSWORD: pasted}, {CLIENT_SECRET: "plain"}):
        with pytest.raises(NoKeyring, match="NOTIFY_KEY_FILE"):
            keyless.change(values, author="bert")
    assert [row.author for row in keyless.history()] == ["bert", "anna"]
    assert keyless.change({PASSWORD: ""}, author="bert").changes == {PASSWORD: (MASK, "")}
    assert keyless.rollback(1, author="bert").saved
    assert store.snapshot().secret(PASSWORD)() == "pw"


def test_a_secret_whose_key_is_lost_can_be_set_anew(store: SettingsStore, any_redis: redis.Redis) -> None:
    store.change({CLIENT_SECRET: "old"}, author="anna")
    renewed = SettingsStore(any_redis, keyring=Keyring("new", {"new": b"\x03" * 32}))
    with pytest.raises(MissingKey, match=f"{CLIENT_SECRET}: sealed with the key"):
        renewed.snapshot().secret(CLIENT_SECRET)()
    assert renewed.change({CLIENT_SECRET: "old"}, author="anna").saved
    assert renewed.snapshot().secret(CLIENT_SECRET)() == "old"


def test_two_installations_on_one_server_do_not_meet(store: SettingsStore, any_redis: redis.Redis) -> None:
    other = SettingsStore(any_redis, prefix="second")
    other.change({PORT: 26}, author="anna")
    assert store.snapshot().revision == 0
    assert other.revision_key == "second:settings"
    assert sorted(any_redis.keys("*")) == ["second:audit", "second:settings", "second:settings:history"]


def test_what_a_later_version_stored_is_kept(store: SettingsStore, any_redis: redis.Redis) -> None:
    any_redis.hset("notify:settings", mapping={"revision": 4, "values": '{"later.option": 1}'})
    store.change({PORT: 587}, author="anna")
    assert dict(store.snapshot().stored) == {"later.option": 1, PORT: 587}
    assert store.reset(["all"], author="anna").saved
    assert dict(store.snapshot().stored) == {"later.option": 1}


@pytest.mark.parametrize(
    "fields",
    [
        {"values": "no json"},
        {"values": "[]"},
        {"values": "[1]"},
        {"values": f'{{"{PORT}": "25"}}'},
        {"values": f'{{"{PORT}": true}}'},
        {"values": f'{{"{PORT}": null}}'},
        {"revision": "one"},
    ],
    ids=str,
)
def test_what_was_not_written_by_us_is_told_not_guessed(
    redis_server: redis.Redis, fields: dict[str, str]
) -> None:
    for name, value in fields.items():
        redis_server.hset("notify:settings", name, value)
    with pytest.raises(DamagedSettings):
        SettingsStore(redis_server).snapshot()


def test_a_row_of_history_that_was_not_written_by_us_is_told(redis_server: redis.Redis) -> None:
    redis_server.lpush("notify:settings:history", '{"revision": 1}')
    with pytest.raises(DamagedSettings, match="history"):
        SettingsStore(redis_server).history()


def test_every_option_can_be_set_and_read_back(store: SettingsStore) -> None:
    wanted: dict[str, object] = {
        key: store.cipher.seal_for_pasting(f"secret of {key}") if option.secret else another_value(option)
        for key, option in ALL_OPTIONS.items()
    }
    del wanted["mirror.email"], wanted["mirror.sms"]
    store.change(wanted, author="anna")
    snapshot = store.snapshot()
    assert snapshot.changed == set(wanted) == set(store.changed())
    for key, value in wanted.items():
        if ALL_OPTIONS[key].secret:
            assert snapshot.secret(key)() == f"secret of {key}"
        else:
            assert snapshot.get(key) == value
