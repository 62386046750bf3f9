"""Signing in and out."""

from __future__ import annotations

from http import HTTPStatus

from starlette.responses import Response

from console.serving.fault import fault_of
from console.serving.need import Open
from console.web import cookies
from console.web.local_path import local_path
from console.web.routes import PageRoutes
from console.web.visit import Visit
from settings_store.access import SignInLocked, SignInRefused

pages = PageRoutes()

_NAME_MAXIMUM_CHARACTERS = 200
_PASSWORD_MAXIMUM_CHARACTERS = 1_000


@pages.get("/sign-in", need=Open.ANYBODY)
def form(visit: Visit) -> Response:
    """The form; who has signed in goes on."""
    asked_for = local_path(visit.query("next"))
    if visit.is_signed_in:
        return visit.go(asked_for)
    return visit.page("sign_in.html", next=asked_for, name="", fault=None)


@pages.post("/sign-in", need=Open.ANYBODY, action="account.sign_in")
def sign_in(visit: Visit) -> Response:
    """Let somebody in who gives the right password, under a session of its own."""
    name = visit.field("name", maximum_characters=_NAME_MAXIMUM_CHARACTERS)
    given = visit.field("password", maximum_characters=_PASSWORD_MAXIMUM_CHARACTERS)
    asked_for = local_path(visit.field("next"))
    try:
        principal = visit.backend.doorkeeper.sign_in(name, given, source=visit.source)
    except (SignInRefused, SignInLocked) as error:
        fault = fault_of(error)
        status = fault.status if fault else HTTPStatus.UNAUTHORIZED
        response = visit.page("sign_in.html", status=status, next=asked_for, name=name, fault=fault)
        if fault and fault.retry_after_seconds:
            response.headers["Retry-After"] = str(fault.retry_after_seconds)
        return response
    if visit.session:
        visit.sessions.end(visit.session)
    visit.session = visit.sessions.begin(principal, visit.options)
    response = visit.go(asked_for)
    cookies.keep_session(visit.request, response, visit.session.id)
    return response


@pages.post("/sign-out", need=Open.SIGNED_IN, action="account.sign_out")
def sign_out(visit: Visit) -> Response:
    """End the session, here and in Redis."""
    if visit.session:
        visit.sessions.end(visit.session)
    visit.backend.audit.record(visit.name, "account.sign_out", visit.name, source=visit.source)
    response = visit.go("/sign-in")
    cookies.forget_session(visit.request, response)
    return response
