"""What stands before every page: who is it, may they, did the form come from us; and how faults are told."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from console.serving.backend import Backend
from console.serving.defect import defect_of
from console.serving.fault import Fault, Refusal, fault_of
from console.serving.need import Open
from console.web import cookies
from console.web.form_guard import TOKEN_FIELD, refuse_foreign, refuse_without_token
from console.web.routes import PageRoute
from console.web.visit import Visit
from settings_store.access import Privilege

#: Where somebody is sent whose password was made for them, and what they may do there.
PASSWORD_PATH: Final = "/password"  # noqa: S105  # a path
SIGN_OUT_PATH: Final = "/sign-out"
#: A file of options fits.
FORM_MAXIMUM_BYTES: Final = 2 * 1024 * 1024
FORM_MAXIMUM_FIELDS: Final = 2_000
FORM_MAXIMUM_FILES: Final = 5


class Door:
    """One page as an ASGI application."""

    def __init__(self, route: PageRoute, backend: Backend, is_there: Callable[[str], bool]) -> None:
        self.route = route
        self._backend = backend
        self._is_there = is_there

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        visit = Visit(Request(scope, receive), self._backend, self._is_there)
        response = await self._answer(visit)
        _keep_guest(visit, response)
        await response(scope, receive, send)

    async def _answer(self, visit: Visit) -> Response:
        request = visit.request
        async with contextlib.AsyncExitStack() as opened:
            try:
                if self.route.method == "POST":
                    refuse_foreign(request.headers)
                elsewhere = await run_in_threadpool(self._admit, visit)
                if elsewhere is not None:
                    return elsewhere
                if self.route.method == "POST":
                    form = request.form(
                        max_files=FORM_MAXIMUM_FILES,
                        max_fields=FORM_MAXIMUM_FIELDS,
                        max_part_size=FORM_MAXIMUM_BYTES,
                    )
                    visit.form = await opened.enter_async_context(form)
                    refuse_without_token(visit.field(TOKEN_FIELD), visit.form_token)
                return await run_in_threadpool(self.route.handler, visit, **request.path_params)
            except Exception as error:  # noqa: BLE001  # every one of them is answered with a page
                return await run_in_threadpool(fault_page, visit, error)

    def _admit(self, visit: Visit) -> Response | None:
        """Find out who it is; raises where they may not, or answers with where they must go first."""
        recognise(visit)
        need = self.route.need
        if need is Open.ANYBODY:
            return None
        if visit.session is None:
            raise Refusal(_NOT_SIGNED_IN)
        if visit.principal.must_change_password and self.route.path not in {PASSWORD_PATH, SIGN_OUT_PATH}:
            return visit.go(PASSWORD_PATH)
        if isinstance(need, Privilege):
            self._backend.doorkeeper.demand(
                visit.principal, need, self.route.action, self.route.path, source=visit.source
            )
        return None


_NOT_SIGNED_IN: Final = Fault(
    HTTPStatus.UNAUTHORIZED, "not-signed-in", "Sign in", "you are not signed in, or your session is over"
)
_NOTHING_DONE: Final = Fault(
    HTTPStatus.UNAUTHORIZED,
    "session-over",
    "Sign in",
    "nothing was done, because your session is over: sign in, and do it again",
)


def recognise(visit: Visit) -> None:
    """Find the session that the browser keeps, and what its account may do now."""
    visit.guest_id = cookies.guest_id(visit.request) or cookies.new_guest_id()
    session = visit.sessions.find(cookies.session_id(visit.request))
    if session is None:
        return
    principal = visit.backend.doorkeeper.still(session.principal)
    if principal is None:
        visit.sessions.end(session)
        return
    visit.session, visit.principal = session, principal
    # A page that keeps itself live is not opened by anybody.
    if not visit.asks_for_part:
        visit.sessions.touch(session, visit.options)


def fault_page(visit: Visit, error: BaseException) -> Response:
    """How a request ends other than well, as a page."""
    fault = fault_of(error) or defect_of(error)
    try:
        return _page(visit, fault)
    except Exception as second:  # noqa: BLE001  # the page itself needs Redis; a plain one does not
        visit.session = None
        return _page(visit, fault_of(second) or defect_of(second))


def _page(visit: Visit, fault: Fault) -> Response:
    if fault.status == HTTPStatus.UNAUTHORIZED:
        reads = visit.request.method in {"GET", "HEAD"}
        response = visit.page(
            "sign_in.html",
            status=fault.status,
            next=visit.path if reads else visit.came_from,
            name="",
            # Whoever pressed a button must not take it for done once they are in again.
            fault=None if reads else _NOTHING_DONE,
        )
    else:
        response = visit.page("fault.html", status=fault.status, fault=fault)
    if fault.retry_after_seconds is not None:
        response.headers["Retry-After"] = str(fault.retry_after_seconds)
    return response


def _keep_guest(visit: Visit, response: Response) -> None:
    """Before the sign-in, have the browser keep what the form on the page belongs to."""
    if visit.session is None and visit.guest_id and cookies.guest_id(visit.request) != visit.guest_id:
        cookies.keep_guest(visit.request, response, visit.guest_id)
