"""Every page demands what it declares: walked over all routes, so that a new one is walked too."""

from __future__ import annotations

import re

import pytest
import redis
from starlette.routing import Mount, Route

from console.serving.need import Open
from console.web.application import create_app, page_routes
from console.web.door import Door
from console.web.routes import PageRoute
from settings_store.access import Access, Privilege
from settings_store.audit_row import Wanted
from settings_store.environment import Environment
from tests.rigs.accounts import PASSWORD
from tests.rigs.console import Console, Visitor

ROUTES = page_routes()
GUARDED = [route for route in ROUTES if route.need is not Open.ANYBODY]


def named(route: PageRoute) -> str:
    return f"{route.method} {route.path}"


def ask(visitor: Visitor, route: PageRoute) -> int:
    """Ask for a page, its parts filled in with something; redirects are not followed."""
    path = re.sub(r"\{[^}]*\}", "1", route.path)
    answer = visitor.http.request(
        route.method,
        visitor.address + path,
        data={"form_token": visitor.token} if route.method == "POST" else None,
        allow_redirects=False,
        timeout=60,
    )
    return answer.status_code


def test_every_route_of_the_application_is_declared_and_only_assets_and_sign_in_are_open() -> None:
    app = create_app(Environment(redis_url="redis://127.0.0.1:1/0", broker_url="redis://127.0.0.1:1/0"))
    doors = [
        route.app.route for route in app.routes if isinstance(route, Route) and isinstance(route.app, Door)
    ]
    assert doors == list(ROUTES)
    mounted = [route.path for route in app.routes if isinstance(route, Mount)]
    assert mounted == ["/assets", "/api/v1"]
    probes = [
        route.path for route in app.routes if isinstance(route, Route) and not isinstance(route.app, Door)
    ]
    assert probes == ["/livez", "/readyz", "/metrics"]
    assert len(app.routes) == len(doors) + len(mounted) + len(probes)
    assert {named(route) for route in ROUTES if route.need is Open.ANYBODY} == {
        "GET /sign-in",
        "POST /sign-in",
    }
    assert len({named(route) for route in ROUTES}) == len(ROUTES)


@pytest.mark.parametrize("route", GUARDED, ids=named)
def test_nobody_gets_anything_without_a_sign_in(console: Console, route: PageRoute) -> None:
    visitor = console.visitor()
    visitor.get("/sign-in")
    assert ask(visitor, route) == 401


@pytest.mark.parametrize(
    "route", [route for route in GUARDED if isinstance(route.need, Privilege)], ids=named
)
def test_who_lacks_just_the_privilege_is_refused_and_the_audit_knows(
    console: Console, access: Access, route: PageRoute
) -> None:
    assert isinstance(route.need, Privilege)
    others = [each for each in Privilege if each not in {route.need, Privilege.ADMINISTER}]
    if route.need is Privilege.VIEW_NOTIFICATIONS:
        others.remove(Privilege.MANAGE_NOTIFICATIONS)
    if route.need is Privilege.VIEW_SERVER_OPTIONS:
        others.remove(Privilege.MAINTAIN_SERVER_OPTIONS)
    access.set_role("others", others, new=True, by="root@test")
    access.add_account("bert", PASSWORD, ["others"], by="root@test")
    visitor = console.visitor("bert")
    assert ask(visitor, route) == 403
    rows = [*access.audit.rows(Wanted(actor="bert", outcome="refused"))]
    assert [(row.action, row.target) for row in rows] == [(route.action, route.path)]


def test_a_page_sees_a_right_go_at_once(console: Console, access: Access, anna: str) -> None:
    visitor = console.visitor(anna)
    assert visitor.get("/").status_code == 200
    access.add_account("cleo", PASSWORD, ["Role_ocadm"], by="root@test")
    access.set_disabled(anna, disabled=True, by="cleo")
    assert visitor.get("/").status_code == 401
    access.set_disabled(anna, disabled=False, by="cleo")
    assert visitor.get("/").status_code == 401, "a session that ended stays ended"


def test_an_account_without_any_privilege_of_the_navigation_sees_none_of_it(
    console: Console, access: Access, redis_server: redis.Redis
) -> None:
    del redis_server
    access.set_role("viewers", [Privilege.VIEW_NOTIFICATIONS], new=True, by="root@test")
    access.add_account("bert", PASSWORD, ["viewers"], by="root@test")
    body = console.visitor("bert").get("/").text
    assert 'href="/accounts"' not in body
    assert 'href="/settings"' not in body
