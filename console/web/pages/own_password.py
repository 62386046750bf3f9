"""Another password for oneself; the first thing for whoever was given one."""

from __future__ import annotations

from http import HTTPStatus

from starlette.responses import Response

from console.serving.fault import fault_of
from console.serving.need import Open
from console.web import cookies
from console.web.routes import PageRoutes
from console.web.visit import Visit
from settings_store.access import SignInLocked, SignInRefused
from settings_store.access.password import MINIMUM_CHARACTERS
from settings_store.errors import InvalidValue

pages = PageRoutes()

_MAXIMUM_CHARACTERS = 1_000


@pages.get("/password", need=Open.SIGNED_IN)
def form(visit: Visit) -> Response:
    """The form."""
    return _form(visit)


@pages.post("/password", need=Open.SIGNED_IN, action="account.set_password")
def change(visit: Visit) -> Response:
    """Change it: every session of the account is over, and this one goes on under another id."""
    current, new, again = (
        visit.field(name, maximum_characters=_MAXIMUM_CHARACTERS) for name in ("current", "new", "again")
    )
    if new != again:
        return _form(visit, "again", "is not the same as the new one")
    if new == current:
        return _form(visit, "new", "is the one that you have")
    try:
        visit.backend.doorkeeper.sign_in(visit.name, current, source=visit.source)
        visit.backend.access.set_password(visit.name, new, by=visit.name, source=visit.source)
    except (SignInRefused, SignInLocked) as error:
        fault = fault_of(error)
        locked = isinstance(error, SignInLocked) and fault
        return _form(visit, "current", fault.detail if locked and fault else "is not the one that you have")
    except InvalidValue as error:
        return _form(visit, "new", f"{error.fault}; allowed: {error.allowed}")
    if visit.session:
        visit.sessions.end(visit.session)
    principal = visit.backend.doorkeeper.sign_in(visit.name, new, source=visit.source)
    visit.principal, visit.session = principal, visit.sessions.begin(principal, visit.options)
    visit.tell("Your password is changed; you are signed out everywhere else.")
    response = visit.go("/")
    cookies.keep_session(visit.request, response, visit.session.id)
    return response


def _form(visit: Visit, field: str = "", fault: str = "") -> Response:
    status = HTTPStatus.UNPROCESSABLE_ENTITY if field else HTTPStatus.OK
    return visit.page(
        "own_password.html", status=status, field=field, fault=fault, minimum=MINIMUM_CHARACTERS
    )
