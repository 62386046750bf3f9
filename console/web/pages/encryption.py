"""The encryption tool: seals a password, so that it can be pasted into a field of the settings."""

from __future__ import annotations

from http import HTTPStatus

from starlette.responses import Response

from console.web.routes import PageRoutes
from console.web.visit import Visit
from settings_store.access import Privilege
from settings_store.errors import InvalidValue, SecretFault

pages = PageRoutes()


@pages.get("/settings/encrypt", need=Privilege.MAINTAIN_SERVER_OPTIONS, action="secret.encrypt")
def form(visit: Visit) -> Response:
    """The form."""
    return visit.page("encryption.html", sealed="", fault="")


@pages.post("/settings/encrypt", need=Privilege.MAINTAIN_SERVER_OPTIONS, action="secret.encrypt")
def encrypt(visit: Visit) -> Response:
    """What `notify encrypt` would print. Nothing is kept."""
    try:
        sealed = visit.store.cipher.seal_for_pasting(visit.field("secret"))
    except InvalidValue as error:
        fault = f"It {error.fault}; allowed: {error.allowed}."
    except SecretFault as error:
        fault = f"{error}."
    else:
        return visit.page("encryption.html", sealed=sealed, fault="")
    return visit.page("encryption.html", status=HTTPStatus.UNPROCESSABLE_ENTITY, sealed="", fault=fault)
