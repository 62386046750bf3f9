"""Accounts, roles and tokens: who may do what, and whoever may no longer."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus
from typing import Any, Final

from starlette.responses import Response

from console.serving.fault import not_found
from console.web.routes import PageRoutes
from console.web.visit import Visit
from settings_store.access import ADMINISTRATORS, GRANTABLE, MEANING, AccessFault, Privilege
from settings_store.access.password import generated
from settings_store.errors import InvalidValue

pages = PageRoutes()

_SECOND_MS: Final = 1000
_NAME_MAXIMUM_CHARACTERS: Final = 200
#: Days a token is valid, with their names; blank is for ever.
_LIFETIMES: Final = {"30": "30 days", "90": "90 days", "365": "1 year", "": "for ever"}


@pages.get("/accounts", need=Privilege.ADMINISTER, action="account.list")
def accounts(visit: Visit) -> Response:
    """Everybody."""
    return _page(visit)


@pages.post("/accounts", need=Privilege.ADMINISTER, action="account.add")
def add(visit: Visit) -> Response:
    """Make an account with a password that is shown this once."""
    name, password = _field(visit, "name"), generated()
    try:
        visit.backend.access.add_account(
            name, password, visit.fields("role"), by=visit.name, source=visit.source, must_change=True
        )
    except (InvalidValue, AccessFault) as error:
        return _page(visit, fault=str(error))
    return _page(visit, shown=("password", name.lower(), password))


@pages.post("/accounts/{name}/{what}", need=Privilege.ADMINISTER, action="account.change")
def change(visit: Visit, name: str, what: str) -> Response:
    """Disable an account, let it in again, unlock it, or give it another password or other roles."""
    access, by, source = visit.backend.access, visit.name, visit.source
    told = ""
    try:
        match what:
            case "disable" | "enable":
                access.set_disabled(name, disabled=what == "disable", by=by, source=source)
                told = f"{name} may {'no longer' if what == 'disable' else 'again'} sign in."
            case "unlock":
                access.unlock(name, by=by, source=source)
                told = f"{name} may try again at once."
            case "roles":
                access.set_roles(name, visit.fields("role"), by=by, source=source)
                told = f"{name} has other roles, from now on."
            case "password":
                password = generated()
                access.set_password(name, password, by=by, source=source, must_change=True)
                return _page(visit, shown=("password", name, password))
            case _:
                raise not_found("an account has no such thing to change")
    except (InvalidValue, AccessFault) as error:
        return _page(visit, fault=str(error))
    if told:
        visit.tell(told)
    return visit.go("/accounts")


@pages.post("/tokens", need=Privilege.ADMINISTER, action="token.create")
def create_token(visit: Visit) -> Response:
    """Make a token, which is shown this once."""
    name, days = _field(visit, "name"), visit.field("days")
    privileges = [each for each in GRANTABLE if each.value in visit.fields("privilege")]
    if days not in _LIFETIMES:
        return _page(visit, fault=f"days: is none of the choices; allowed: {', '.join(_LIFETIMES.values())}")
    lifetime = timedelta(days=int(days)) if days else None
    try:
        made = visit.backend.access.create_token(
            name, privileges, lifetime=lifetime, by=visit.name, source=visit.source
        )
    except (InvalidValue, AccessFault) as error:
        return _page(visit, fault=str(error))
    return _page(visit, shown=("token", name, made))


@pages.post("/tokens/{token_id}/revoke", need=Privilege.ADMINISTER, action="token.revoke")
def revoke_token(visit: Visit, token_id: str) -> Response:
    """Refuse a token from now on."""
    name = visit.backend.access.revoke_token(token_id, by=visit.name, source=visit.source)
    visit.tell(f"The token {name} is revoked.")
    return visit.go("/accounts")


def _page(visit: Visit, *, fault: str = "", shown: tuple[str, str, str] | None = None) -> Response:
    access = visit.backend.access
    book, used = access.book(), access.last_used()

    def used_ms(key: str) -> float | None:
        return used[key].timestamp() * _SECOND_MS if key in used else None

    values: dict[str, Any] = {
        "accounts": [(each, used_ms(f"account:{each.name}")) for each in book.accounts.values()],
        "tokens": [
            (
                each,
                used_ms(f"token:{each.id}"),
                each.expires_at.timestamp() * _SECOND_MS if each.expires_at else None,
            )
            for each in book.tokens.values()
        ],
        "roles": [ADMINISTRATORS, *book.roles],
        "role_meaning": [(role.name, sorted(role.privileges)) for role in book.roles.values()],
        "privileges": [(each, MEANING[each]) for each in GRANTABLE],
        "lifetimes": _LIFETIMES,
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if fault else HTTPStatus.OK
    return visit.page("accounts.html", status=status, fault=fault, shown=shown, **values)


def _field(visit: Visit, name: str) -> str:
    return visit.field(name, maximum_characters=_NAME_MAXIMUM_CHARACTERS).strip()
