"""Signing in: by password, by token, while a session lasts; and what keeps others from guessing."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import argon2
import pytest
import redis

from settings_store.access import (
    ADMINISTRATORS,
    Access,
    Doorkeeper,
    NotPermitted,
    Privilege,
    SignInLocked,
    SignInRefused,
)
from settings_store.access import password as passwords
from settings_store.access.token_text import PREFIX
from settings_store.access.tries import ACCOUNT_FREE_TRIES, LONGEST_WAIT_MS, SOURCE_FREE_TRIES
from settings_store.audit_row import Wanted
from tests.rigs.accounts import PASSWORD

HOME = "web 10.0.0.9"


def refused(door: Doorkeeper, name: str, given: str = "wrong", source: str = HOME) -> str:
    with pytest.raises((SignInRefused, SignInLocked)) as caught:
        door.sign_in(name, given, source=source)
    return type(caught.value).__name__


def test_the_right_password_lets_in_with_what_the_roles_hold(
    door: Doorkeeper, access: Access, anna: str
) -> None:
    principal = door.sign_in(" Anna ", PASSWORD, source=HOME)
    assert (principal.kind, principal.name) == ("account", anna)
    assert principal.privileges == frozenset(Privilege)
    (row,) = access.audit.rows(Wanted(action="account.sign_in"))
    assert (row.actor, row.outcome, row.source) == ("anna", "done", HOME)
    assert "account:anna" in access.last_used()


def test_a_wrong_password_an_unknown_name_and_a_disabled_account_are_told_alike(
    door: Doorkeeper, access: Access, anna: str
) -> None:
    access.add_account("bert", PASSWORD, [ADMINISTRATORS], by=anna)
    access.set_disabled("bert", disabled=True, by=anna)
    told = set()
    for name, given in (("anna", "wrong"), ("nobody", PASSWORD), ("bert", PASSWORD), (PASSWORD, "anna")):
        with pytest.raises(SignInRefused) as caught:
            door.sign_in(name, given, source=HOME)
        told.add(str(caught.value))
    assert len(told) == 1
    rows = [*access.audit.rows(Wanted(outcome="refused"))]
    assert [row.detail["reason"] for row in reversed(rows)] == [
        "password",
        "unknown account",
        "disabled",
        "unknown account",
    ]
    assert PASSWORD not in str(rows), "a password typed into the field of the name must not be kept"


@pytest.mark.usefixtures("anna")
def test_after_too_many_tries_even_the_right_password_waits_and_unlocking_ends_it(
    door: Doorkeeper, access: Access
) -> None:
    assert {refused(door, "anna") for _ in range(ACCOUNT_FREE_TRIES)} == {"SignInRefused"}
    with pytest.raises(SignInLocked) as caught:
        door.sign_in(" ANNA", PASSWORD, source="web 10.9.9.9")
    assert 0 < caught.value.wait_seconds <= 30
    assert access.unlock("Anna", by="root@x")
    assert door.sign_in("anna", PASSWORD, source=HOME).name == "anna"
    assert not access.unlock("anna", by="root@x"), "a sign-in forgets the tries"


@pytest.mark.usefixtures("anna")
def test_one_source_that_tries_many_names_waits_for_all_of_them(door: Doorkeeper) -> None:
    for number in range(SOURCE_FREE_TRIES):
        assert refused(door, f"name{number}") == "SignInRefused"
    assert refused(door, "anna", PASSWORD) == "SignInLocked"
    assert door.sign_in("anna", PASSWORD, source="web 10.9.9.9").name == "anna"


@pytest.mark.usefixtures("anna")
def test_tries_at_once_cannot_outrun_the_count(door: Doorkeeper) -> None:
    start = threading.Barrier(20)

    def guess(number: int) -> str:
        start.wait(timeout=60)
        return refused(door, "anna", f"guess number {number}", source=f"web 10.0.0.{number}")

    with ThreadPoolExecutor(20) as pool:
        told = list(pool.map(guess, range(20)))
    assert told.count("SignInRefused") == ACCOUNT_FREE_TRIES


def test_each_wait_is_longer_up_to_a_quarter_of_an_hour(any_redis: redis.Redis, access: Access) -> None:
    waits = []
    for _ in range(ACCOUNT_FREE_TRIES + 10):
        access.tries.take("anna", HOME)
        (key,) = any_redis.keys("notify:access:tries:account:*")
        seconds, _ = any_redis.time()
        waits.append(int(any_redis.hget(key, "until") or 0) - int(seconds) * 1000)
        any_redis.hdel(key, "until")
        any_redis.delete(*any_redis.keys("notify:access:tries:source:*"))
    assert all(wait < 0 for wait in waits[: ACCOUNT_FREE_TRIES - 1])
    later = waits[ACCOUNT_FREE_TRIES - 1 :]
    assert later == sorted(later)
    assert later[0] <= 31_000
    assert later[-1] <= LONGEST_WAIT_MS + 1000
    assert any_redis.pttl(key) > 0


@pytest.mark.usefixtures("anna")
def test_what_is_locked_is_written_down_once_a_minute_however_often_it_is_tried(
    door: Doorkeeper, access: Access
) -> None:
    for _ in range(ACCOUNT_FREE_TRIES + 15):
        refused(door, "anna")
    reasons = [row.detail["reason"] for row in access.audit.rows(Wanted(outcome="refused"))]
    assert reasons.count("locked") == 1
    assert reasons.count("password") == ACCOUNT_FREE_TRIES


def test_keys_of_tries_hold_no_name_and_no_address(any_redis: redis.Redis, door: Doorkeeper) -> None:
    refused(door, "some.body", source="web 10.11.12.13")
    keys = str(any_redis.keys("*"))
    assert "some.body" not in keys
    assert "10.11.12.13" not in keys


def test_a_session_ends_with_another_password_a_disabled_account_and_a_removed_one(
    door: Doorkeeper, access: Access, anna: str
) -> None:
    access.set_role("viewers", [Privilege.VIEW_SERVER_OPTIONS], new=True, by=anna)
    access.add_account("bert", PASSWORD, ["viewers"], by=anna)

    def signed_in() -> object:
        return door.still(session)

    session = door.sign_in("bert", PASSWORD, source=HOME)
    assert signed_in() == session
    access.set_roles("bert", [ADMINISTRATORS], by=anna)
    now = door.still(session)
    assert now is not None
    assert Privilege.ADMINISTER in now.privileges, "a role given meanwhile holds in the session"
    access.set_password("bert", "another long password", by=anna)
    assert signed_in() is None
    session = door.sign_in("bert", "another long password", source=HOME)
    access.set_disabled("bert", disabled=True, by=anna)
    assert signed_in() is None
    access.set_disabled("bert", disabled=False, by=anna)
    assert signed_in() is not None
    access.remove_account("bert", by=anna)
    assert signed_in() is None


def test_a_token_lets_in_and_its_use_is_kept(
    door: Doorkeeper, access: Access, any_redis: redis.Redis
) -> None:
    text = access.create_token("ci", [Privilege.MANAGE_NOTIFICATIONS], lifetime=None, by="root@x")
    principal = door.by_token(f" {text}\n", source="api 10.0.0.9")
    assert (principal.kind, principal.name) == ("token", "token:ci")
    token_id = access.book().token("ci").id
    assert f"token:{token_id}" in access.last_used()
    assert text.startswith(f"ntf_{token_id}_")
    assert text.removeprefix(PREFIX).partition("_")[2] not in str(any_redis.hgetall("notify:access"))


@pytest.mark.parametrize("spoil", ["", "ntf_", "x", "the other's secret", "revoked", "over"])
def test_a_token_that_is_none_revoked_or_over_is_refused(
    door: Doorkeeper, access: Access, any_redis: redis.Redis, spoil: str
) -> None:
    scope = [Privilege.VIEW_NOTIFICATIONS]
    text = access.create_token("ci", scope, lifetime=timedelta(days=1), by="root@x")
    other = access.create_token("other", scope, lifetime=None, by="root@x")
    given = {
        "x": text[:-1] + ("A" if text[-1] != "A" else "B"),
        "the other's secret": text[:17] + other[17:],
        "revoked": text,
        "over": text,
    }.get(spoil, spoil)
    if spoil == "revoked":
        access.revoke_token(text[:16], by="root@x")
    if spoil == "over":
        book = str(any_redis.hget("notify:access", "book"))
        year = access.book().token("ci").expires_at
        assert year is not None
        any_redis.hset("notify:access", "book", book.replace(year.isoformat()[:10], "2020-01-01"))
        any_redis.hset("notify:access", "stamp", "another")
    for _ in range(3):
        with pytest.raises(SignInRefused, match="the token is not valid"):
            door.by_token(given, source="api 10.0.0.9")
    rows = [*access.audit.rows(Wanted(action="token.sign_in", outcome="refused"))]
    assert len(rows) == 1, "told once a minute"
    assert rows[0].actor == ("token:ci" if spoil == "over" else "unknown")


def test_what_somebody_may_not_do_is_refused_in_words_and_written_down(
    door: Doorkeeper, access: Access
) -> None:
    text = access.create_token("ci", [Privilege.VIEW_NOTIFICATIONS], lifetime=None, by="root@x")
    ci = door.by_token(text, source="api")
    door.demand(ci, Privilege.VIEW_NOTIFICATIONS, "message.show", "7", source="api")
    for _ in range(2):
        with pytest.raises(NotPermitted, match="needs the privilege Manage notifications"):
            door.demand(ci, Privilege.MANAGE_NOTIFICATIONS, "message.cancel", "7", source="api")
    (row,) = access.audit.rows(Wanted(outcome="refused"))
    assert (row.actor, row.action, row.target) == ("token:ci", "message.cancel", "7")
    assert row.detail == {"reason": "needs Manage notifications"}


@pytest.mark.usefixtures("anna")
def test_a_password_kept_in_a_weaker_form_is_kept_in_todays_after_a_sign_in(
    door: Doorkeeper, access: Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = access.book().account("anna")
    stronger = argon2.PasswordHasher(time_cost=2, memory_cost=128, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", lambda: stronger)
    session = door.sign_in("anna", PASSWORD, source=HOME)
    after = access.book().account("anna")
    assert before.password != after.password
    assert door.still(session) is not None
    door.sign_in("anna", PASSWORD, source=HOME)
    assert access.book().account("anna").password == after.password


@pytest.mark.usefixtures("anna")
def test_a_full_redis_lets_people_in_and_counts_their_tries(
    door: Doorkeeper, access: Access, any_redis: redis.Redis
) -> None:
    text = access.create_token("ci", [Privilege.VIEW_NOTIFICATIONS], lifetime=None, by="root@x")
    any_redis.config_set("maxmemory", "1")
    try:
        assert door.sign_in("anna", PASSWORD, source=HOME).name == "anna"
        ci = door.by_token(text, source="api")
        with pytest.raises(NotPermitted):
            door.demand(ci, Privilege.ADMINISTER, "account.add", source="api")
        told = [refused(door, "anna") for _ in range(ACCOUNT_FREE_TRIES + 1)]
    finally:
        any_redis.config_set("maxmemory", "0")
    assert told == ["SignInRefused"] * ACCOUNT_FREE_TRIES + ["SignInLocked"]
