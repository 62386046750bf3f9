"""Signing in over real HTTP: sessions, forms from elsewhere, and where one lands."""

from __future__ import annotations

import json

import pytest
import redis

from settings_store.access import Access
from settings_store.access.tries import ACCOUNT_FREE_TRIES
from settings_store.audit_row import Wanted
from settings_store.store import SettingsStore
from tests.rigs.accounts import PASSWORD
from tests.rigs.console import Console

OTHER = "another good password"


def test_a_session_is_kept_by_a_cookie_that_no_script_reads_and_redis_cannot_give_away(
    console: Console, redis_server: redis.Redis, anna: str
) -> None:
    visitor = console.visitor()
    visitor.get("/sign-in")
    before = dict(visitor.http.cookies)
    answer = visitor.http.post(
        f"{console.address}/sign-in",
        data={"form_token": visitor.token, "name": anna, "password": PASSWORD},
        allow_redirects=False,
        timeout=60,
    )
    assert answer.status_code == 303
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    session_id = visitor.http.cookies["notify-session"]
    assert session_id not in before.values()
    kept = {key: redis_server.type(key) for key in redis_server.scan_iter("notify:session:*")}
    assert len(kept) == 1
    assert session_id not in str(kept) + str([redis_server.hgetall(key) for key in kept])


def test_signing_out_ends_the_session_here_and_for_whoever_copied_the_cookie(
    console: Console, access: Access, anna: str
) -> None:
    visitor, thief = console.visitor(anna), console.visitor()
    thief.http.cookies.update(visitor.http.cookies)
    assert thief.get("/").status_code == 200
    visitor.post("/sign-out")
    assert thief.get("/").status_code == 401
    assert [row.action for row in access.audit.rows(Wanted(actor=anna))] == [
        "account.sign_out",
        "account.sign_in",
    ]


def test_another_password_ends_every_session_but_the_one_it_was_changed_in(
    console: Console, anna: str
) -> None:
    here, there = console.visitor(anna), console.visitor(anna)
    before = here.http.cookies["notify-session"]
    here.get("/password")
    answer = here.post("/password", {"current": PASSWORD, "new": OTHER, "again": OTHER})
    assert "Your password is changed" in answer.text
    assert here.http.cookies["notify-session"] != before
    assert here.get("/").status_code == 200
    assert there.get("/").status_code == 401


@pytest.mark.parametrize(
    "given, told",
    [
        (("wrong", OTHER, OTHER), "Current password is not the one that you have."),
        ((PASSWORD, OTHER, "something else"), "New password once more is not the same as the new one."),
        ((PASSWORD, PASSWORD, PASSWORD), "New password is the one that you have."),
        ((PASSWORD, "short", "short"), "New password is too short; allowed: 12 to 200 characters"),
    ],
)
def test_a_password_that_cannot_be_is_told_at_its_field(
    console: Console, anna: str, given: tuple[str, str, str], told: str
) -> None:
    visitor = console.visitor(anna)
    visitor.get("/password")
    answer = visitor.post("/password", dict(zip(("current", "new", "again"), given, strict=True)))
    assert answer.status_code == 422
    assert told in answer.text
    assert OTHER not in answer.text


def test_a_session_is_over_after_the_idle_time_and_at_its_end_however_busy(
    console: Console, redis_server: redis.Redis, store: SettingsStore, anna: str
) -> None:
    store.change({"console.idle_minutes": 10, "console.session_hours": 1}, author="test")
    visitor = console.visitor(anna)
    (key,) = redis_server.scan_iter("notify:session:*")
    assert 590_000 < redis_server.pttl(key) <= 600_000
    redis_server.pexpire(key, 60_000)
    visitor.get("/")
    assert redis_server.pttl(key) > 590_000, "a page begins the idle time anew"
    redis_server.hset(key, "ends_at", int(redis_server.time()[0]) * 1000 + 5_000)
    redis_server.pexpire(key, 600_000)
    visitor.get("/")
    assert redis_server.pttl(key) <= 5_000, "not beyond its end"
    redis_server.hset(key, "ends_at", int(redis_server.time()[0]) * 1000 - 1)
    redis_server.persist(key)
    assert visitor.get("/").status_code == 401


@pytest.mark.parametrize(
    "case",
    [
        ("{address}/settings", "/settings"),
        ("{address}/settings/review", "/"),
        ("https://elsewhere.example/settings", "/"),
        ("http://[", "/"),
        ("", "/"),
    ],
)
def test_who_saves_after_the_session_is_over_learns_that_nothing_was_done(
    console: Console, redis_server: redis.Redis, store: SettingsStore, anna: str, case: tuple[str, str]
) -> None:
    referrer, lands = case
    visitor = console.visitor(anna)
    visitor.get("/settings")
    redis_server.delete(*redis_server.scan_iter("notify:session:*"))
    fields = {"revision": "0", "option.primary_email.server_name": "relay.example", "reason": "x"}
    told = visitor.post("/settings/save", fields, {"Referer": referrer.format(address=console.address)})
    assert told.status_code == 401
    assert "Nothing was done, because your session is over" in told.text
    assert f'<input type="hidden" name="next" value="{lands}">' in told.text
    assert store.snapshot().revision == 0
    assert "Nothing was done" not in visitor.get("/settings").text, "who only looks has nothing to do again"


def test_a_page_that_keeps_itself_live_keeps_nobody_signed_in(
    console: Console, redis_server: redis.Redis, store: SettingsStore, anna: str
) -> None:
    store.change({"console.idle_minutes": 10}, author="test")
    visitor = console.visitor(anna)
    (key,) = redis_server.scan_iter("notify:session:*")
    redis_server.pexpire(key, 60_000)
    assert visitor.get("/", {"X-Part": "1"}).status_code == 200
    assert redis_server.pttl(key) <= 60_000
    visitor.get("/")
    assert redis_server.pttl(key) > 590_000


def test_a_full_redis_lets_people_in_and_tells_them_what_they_did(
    console: Console, redis_server: redis.Redis, access: Access, anna: str
) -> None:
    access.add_account("bert", PASSWORD, ["Role_ocadm"], by="root@test")
    redis_server.config_set("maxmemory-policy", "noeviction")
    redis_server.config_set("maxmemory", 1)
    try:
        visitor = console.visitor(anna)
        visitor.get("/accounts")
        answer = visitor.post("/accounts/bert/unlock")
    finally:
        redis_server.config_set("maxmemory", 0)
    assert answer.status_code == 200
    assert "bert may try again at once." in answer.text


def test_too_many_wrong_passwords_wait_and_say_how_long(console: Console, anna: str) -> None:
    visitor = console.visitor()
    visitor.get("/sign-in")
    statuses = [
        visitor.post("/sign-in", {"name": anna, "password": "wrong"}).status_code
        for _ in range(ACCOUNT_FREE_TRIES + 1)
    ]
    assert statuses == [401] * ACCOUNT_FREE_TRIES + [429]
    assert 0 < int(visitor.last.headers["Retry-After"]) <= 30
    assert "try again in" in visitor.last.text


@pytest.mark.parametrize(
    "asked_for, lands",
    [
        ("/password?a=b%20c", "/password?a=b%20c"),
        ("https://elsewhere.example/", "/"),
        ("//elsewhere.example/", "/"),
        ("/\\elsewhere.example", "/"),
        ("\\\\elsewhere.example", "/"),
        ("javascript:alert(1)", "/"),
        ("/\t/elsewhere.example", "/"),
        ("/a\r\nSet-Cookie: x=y", "/"),
        ("", "/"),
    ],
)
def test_after_the_sign_in_one_lands_on_a_page_of_ours(
    console: Console, anna: str, asked_for: str, lands: str
) -> None:
    visitor = console.visitor()
    visitor.get("/sign-in")
    answer = visitor.http.post(
        f"{console.address}/sign-in",
        data={"form_token": visitor.token, "name": anna, "password": PASSWORD, "next": asked_for},
        allow_redirects=False,
        timeout=60,
    )
    assert (answer.status_code, answer.headers["Location"]) == (303, lands)
    again = visitor.http.get(
        f"{console.address}/sign-in", params={"next": asked_for}, allow_redirects=False, timeout=60
    )
    assert (again.status_code, again.headers["Location"]) == (303, lands)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
    ids=json.dumps,
)
def test_a_form_from_elsewhere_is_refused_even_with_the_right_token(
    console: Console, anna: str, headers: dict[str, str]
) -> None:
    visitor = console.visitor(anna)
    visitor.get("/")
    assert visitor.post("/sign-out", headers=headers).status_code == 403
    assert visitor.get("/").status_code == 200


@pytest.mark.parametrize("token", ["", "0" * 64, "ä"])
def test_a_form_without_its_token_is_refused(console: Console, anna: str, token: str) -> None:
    visitor = console.visitor(anna)
    assert visitor.post("/sign-out", {"form_token": token}).status_code == 403
    assert visitor.get("/").status_code == 200


def test_the_token_of_another_session_is_refused(console: Console, access: Access, anna: str) -> None:
    access.add_account("bert", PASSWORD, ["Role_ocadm"], by="root@test")
    hers, his = console.visitor(anna), console.visitor("bert")
    his.get("/")
    hers.get("/")
    assert hers.post("/sign-out", {"form_token": his.token}).status_code == 403
    assert hers.get("/").status_code == 200
