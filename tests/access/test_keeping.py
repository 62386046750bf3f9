"""Keeping accounts: changes at once, rows of the audit, the first administrator, and what Redis holds."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import redis

from settings_store.access import (
    ADMINISTRATORS,
    Access,
    Doorkeeper,
    LastAdministrator,
    Privilege,
    first_administrator,
)
from settings_store.audit_row import Wanted
from settings_store.errors import DamagedSettings, InvalidValue
from tests.rigs.accounts import PASSWORD
from tests.rigs.forgetful_redis import ForgetfulConnection, another_client, forgetful_client


def test_every_change_writes_who_did_what_to_whom(access: Access) -> None:
    access.set_role("viewers", [Privilege.VIEW_NOTIFICATIONS], new=True, by="root@x", source="cli x")
    access.add_account("Anna", PASSWORD, [ADMINISTRATORS], by="root@x", source="cli x")
    access.add_account("bert", PASSWORD, ["viewers"], by="root@x")
    access.set_password("bert", "another long password", by="bert")
    access.set_roles("bert", [ADMINISTRATORS], by="root@x")
    access.set_disabled("bert", disabled=True, by="root@x")
    access.set_disabled("bert", disabled=False, by="root@x")
    access.create_token("ci", [Privilege.VIEW_NOTIFICATIONS], lifetime=timedelta(days=9), by="bert")
    access.revoke_token("ci", by="bert")
    access.remove_account("bert", by="anna")
    access.remove_role("viewers", by="anna")
    rows = [*access.audit.rows(oldest_first=True)]
    assert [(row.actor, row.action, row.target) for row in rows] == [
        ("root@x", "role.add", "viewers"),
        ("root@x", "account.add", "anna"),
        ("root@x", "account.add", "bert"),
        ("bert", "account.set_password", "bert"),
        ("root@x", "account.set_role", "bert"),
        ("root@x", "account.disable", "bert"),
        ("root@x", "account.enable", "bert"),
        ("bert", "token.create", "ci"),
        ("bert", "token.revoke", "ci"),
        ("anna", "account.remove", "bert"),
        ("anna", "role.remove", "viewers"),
    ]
    assert rows[4].detail == {"before": ["viewers"], "after": [ADMINISTRATORS]}
    assert rows[0].source == "cli x"
    assert PASSWORD not in str(rows)


def test_a_refused_change_changes_nothing_and_writes_nothing(access: Access, anna: str) -> None:
    before = access.book()
    with pytest.raises(LastAdministrator):
        access.remove_account(anna, by="x")
    with pytest.raises(InvalidValue):
        access.create_token("x", [Privilege.VIEW_NOTIFICATIONS], lifetime=timedelta(), by="x")
    assert access.book() == before
    assert not [*access.audit.rows(Wanted(actor="x"))]


def test_of_two_administrators_who_remove_each_other_at_once_one_stays(any_redis: redis.Redis) -> None:
    for _ in range(5):
        any_redis.flushall()
        first = Access(any_redis)
        for name in ("anna", "bert"):
            first.add_account(name, PASSWORD, [ADMINISTRATORS], by="x")
        start = threading.Barrier(2)

        def remove(other: str, start: threading.Barrier = start) -> bool:
            access = Access(another_client(any_redis))
            start.wait(timeout=60)
            try:
                access.remove_account(other, by="x")
            except LastAdministrator:
                return False
            return True

        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(remove, ("anna", "bert"))) == [False, True]
        assert len(first.book().accounts) == 1


def test_changes_at_once_all_hold(any_redis: redis.Redis) -> None:
    Access(any_redis).set_role("viewers", [Privilege.VIEW_NOTIFICATIONS], new=True, by="x")

    def add(number: int) -> None:
        Access(another_client(any_redis)).add_account(f"name{number}", PASSWORD, ["viewers"], by="x")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(16)))
    assert len(Access(any_redis).book().accounts) == 16


def test_a_change_whose_reply_was_lost_is_made_once(
    any_redis: redis.Redis, anna: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    access = Access(forgetful_client(any_redis))
    monkeypatch.setattr(ForgetfulConnection, "losses_left", 2)
    access.add_account("bert", PASSWORD, [ADMINISTRATORS], by=anna)
    assert ForgetfulConnection.losses_left == 0
    assert len([*access.audit.rows(Wanted(target="bert"))]) == 1


def test_of_all_that_start_at_once_one_makes_the_first_administrator(any_redis: redis.Redis) -> None:
    def start(_: int) -> object:
        return first_administrator(Access(another_client(any_redis)), by="make up")

    with ThreadPoolExecutor(6) as pool:
        made = [each for each in pool.map(start, range(6)) if each is not None]
    assert len(made) == 1
    assert first_administrator(Access(any_redis), by="make up") is None


def test_the_first_administrator_may_do_everything_and_must_replace_the_password(
    access: Access, door: Doorkeeper
) -> None:
    made = first_administrator(access, by="make up")
    assert made is not None
    principal = door.sign_in(made.name, made.password, source="web")
    assert principal.privileges == frozenset(Privilege)
    assert principal.must_change_password
    access.set_password("admin", PASSWORD, by="admin")
    assert not door.sign_in("admin", PASSWORD, source="web").must_change_password


def test_what_another_program_wrote_is_refused_and_not_repeated(
    access: Access, any_redis: redis.Redis
) -> None:
    any_redis.hset("notify:access", mapping={"stamp": "x", "book": '{"accounts": {"a": "$argon2id$hash"}}'})
    with pytest.raises(DamagedSettings, match="the accounts was not written by this program") as caught:
        access.book()
    assert caught.value.__cause__ is None
    assert "argon2id" not in f"{caught.value.__context__}"


def test_a_book_written_before_is_read_by_every_client_after_a_change(any_redis: redis.Redis) -> None:
    one, other = Access(any_redis), Access(any_redis)
    assert not other.book().accounts
    one.add_account("anna", PASSWORD, [ADMINISTRATORS], by="x")
    assert list(other.book().accounts) == ["anna"]
    any_redis.flushall()
    assert not other.book().accounts
