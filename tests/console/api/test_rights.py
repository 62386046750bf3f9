"""Every route of the API demands what it declares: walked over all, so that a new one is walked too."""

from __future__ import annotations

import re

import pytest
import redis
from fastapi.routing import APIRoute
from starlette.routing import Route

from console.api.application import ROUTERS, api_routes, create_api
from console.api.caller import needs_of
from console.serving.backend import Backend
from console.serving.need import Need, Open
from settings_store.access import ADMINISTRATORS, GRANTABLE, Access, Privilege
from settings_store.audit_row import Wanted
from settings_store.environment import Environment
from tests.rigs.accounts import PASSWORD
from tests.rigs.api_client import ApiClient, problem, token_for

_NOWHERE = Environment(redis_url="redis://127.0.0.1:1/0", broker_url="redis://127.0.0.1:1/0")
ROUTES = api_routes()


def named(route: APIRoute) -> str:
    return f"{'/'.join(sorted(route.methods or ()))} {route.path}"


def need_of(route: APIRoute) -> Need:
    (need,) = needs_of(route)
    return need


def ask(client: ApiClient, route: APIRoute) -> int:
    path = route.path.replace("{name}", "primary_email").replace("{key:option}", "audit.days")
    method = next(iter(route.methods or ()))
    return client.ask(
        method, re.sub(r"\{[^}]*\}", "1", path), json={} if method != "GET" else None
    ).status_code


def test_every_route_declares_one_need_and_none_is_open_but_the_document() -> None:
    assert [named(route) for route in ROUTES if len(needs_of(route)) != 1] == []
    assert [named(route) for route in ROUTES if need_of(route) is Open.ANYBODY] == []
    api = create_api(Backend(_NOWHERE))
    others = [route.path for route in api.routes if isinstance(route, Route)]
    assert others == ["/openapi.json"]
    assert len(api.routes) == len(ROUTERS) + len(others)
    documented = [
        f"{method.upper()} {path}" for path, each in api.openapi()["paths"].items() for method in each
    ]
    assert sorted(documented) == sorted(
        f"{method} {route.path_format}" for route in ROUTES for method in route.methods or ()
    )


@pytest.mark.parametrize("route", ROUTES, ids=named)
def test_nothing_is_answered_without_a_token_or_with_a_wrong_one(guest: ApiClient, route: APIRoute) -> None:
    assert ask(guest, route) == 401
    assert ask(ApiClient(guest.root, "ntf_000000000000_" + "A" * 43), route) == 401


@pytest.mark.parametrize("route", [each for each in ROUTES if need_of(each) is not Open.SIGNED_IN], ids=named)
def test_a_token_without_just_that_privilege_is_refused_and_the_audit_knows(
    guest: ApiClient, access: Access, route: APIRoute
) -> None:
    need = need_of(route)
    includes = {
        Privilege.VIEW_NOTIFICATIONS: Privilege.MANAGE_NOTIFICATIONS,
        Privilege.VIEW_SERVER_OPTIONS: Privilege.MAINTAIN_SERVER_OPTIONS,
    }
    others = [
        each
        for each in GRANTABLE
        if each is not need and (need not in includes or each is not includes[need])
    ]
    client = ApiClient(guest.root, token_for(access, *others))
    assert ask(client, route) == 403
    (row,) = access.audit.rows(Wanted(actor="token:ci", outcome="refused"))
    assert row.target == route.path
    assert row.source == "api 127.0.0.1"


def test_a_token_does_no_more_than_its_owner_and_ends_with_it(guest: ApiClient, access: Access) -> None:
    access.add_account("anna", PASSWORD, [ADMINISTRATORS], by="root@test")
    access.set_role("viewers", [Privilege.VIEW_SERVER_OPTIONS], new=True, by="root@test")
    access.add_account("bert", PASSWORD, ["viewers"], by="root@test")
    token = access.create_token("t", GRANTABLE, lifetime=None, by="root@test", owner="bert")
    client = ApiClient(guest.root, token)
    assert client.get("/token").json() == {"name": "t", "privileges": ["view_server_options"]}
    assert client.get("/options").status_code == 200
    assert problem(client.get("/notifications"), 403)["type"].endswith("forbidden")
    access.remove_account("bert", by="anna")
    assert problem(client.get("/options"), 401)["detail"] == "the token is not valid"


def test_a_token_is_revoked_at_once(api: ApiClient, access: Access) -> None:
    assert api.get("/token").status_code == 200
    access.revoke_token("ci", by="root@test")
    assert problem(api.get("/token"), 401)


@pytest.mark.parametrize("header", ["", "Basic YTpi", "Bearer", "Bearer ", "bearer x y", "Token x"])
def test_what_is_no_bearer_token_is_refused_with_the_scheme_to_use(guest: ApiClient, header: str) -> None:
    answer = guest.get("/token", {"Authorization": header})
    problem(answer, 401)
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="notify"'


def test_a_session_of_the_pages_is_no_token(guest: ApiClient, access: Access) -> None:
    access.add_account("anna", PASSWORD, [ADMINISTRATORS], by="root@test")
    form = guest.http.get(f"{guest.root}/sign-in", timeout=60).text
    token = form.partition('name="form_token" value="')[2].partition('"')[0]
    fields = {"form_token": token, "name": "anna", "password": PASSWORD}
    assert guest.http.post(f"{guest.root}/sign-in", data=fields, timeout=60).status_code == 200
    assert guest.get("/options").status_code == 401


def test_a_full_redis_lets_programs_look(api: ApiClient, redis_server: redis.Redis) -> None:
    mail = {"version": 1, "channel": "email", "to": ["a@example.com"], "subject": "s", "message": "m"}
    sent = api.post("/notifications", mail)
    redis_server.config_set("maxmemory-policy", "noeviction")
    redis_server.config_set("maxmemory", 1)
    try:
        looked = api.get(f"/notifications/{sent.json()['id']}")
        refused = api.post("/notifications", mail)
    finally:
        redis_server.config_set("maxmemory", 0)
    assert looked.status_code == 200
    assert problem(refused, 503)["type"] == "urn:notify:problem:full"


def test_a_token_that_asks_too_often_is_told_when_to_come_back(
    api: ApiClient, access: Access, redis_server: redis.Redis
) -> None:
    redis_server.hset(
        "notify:settings", mapping={"revision": 1, "values": '{"console.requests_per_minute": 10}'}
    )
    answers = [api.get("/token") for _ in range(21)]
    refused = [answer for answer in answers if answer.status_code == 429]
    # A minute may end in between: at most ten in each.
    assert 1 <= len(refused) <= 11
    assert 0 < int(refused[-1].headers["Retry-After"]) <= 60
    assert problem(refused[-1], 429)["detail"] == "this token may make 10 requests a minute"
    left = [int(answer.headers["RateLimit-Remaining"]) for answer in answers[:3] if answer.ok]
    assert left == sorted(left, reverse=True)
    assert ApiClient(api.root, token_for(access, name="other")).get("/token").status_code == 200
