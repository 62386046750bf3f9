"""One request of a person: who they are, what they sent, and how they are answered."""

from __future__ import annotations

import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from console.serving.backend import Backend
from console.serving.fault import invalid
from console.web.local_path import local_path
from console.web.navigation import entries_for, is_current
from console.web.rendering import templates, when
from console.web.server_cards import warnings_of
from console.web.session import Session, Sessions, Told, Tone, form_token
from settings_store.access import Principal, Privilege, may
from settings_store.snapshot import Snapshot
from settings_store.store import SettingsStore
from tasks.server_status import standings

_NOBODY: Final = Principal("account", "", frozenset())
_MILLISECONDS_PER_SECOND: Final = 1000


class Visit:
    """A request with the parts that answer it.

    Attributes:
        request: As the framework has it.
        backend: The installation.
        principal: Who asks; a nameless one without privileges before the sign-in.
        session: Theirs; None before the sign-in.
        form: What a form sent; its token is checked already.
    """

    def __init__(self, request: Request, backend: Backend, is_there: Callable[[str], bool]) -> None:
        self.request = request
        self.backend = backend
        self.principal = _NOBODY
        self.session: Session | None = None
        self.form = FormData()
        self.guest_id = ""
        self._is_there = is_there
        self._now_ms = 0

    @property
    def sessions(self) -> Sessions:
        """The sessions of this installation."""
        return Sessions(self.backend.redis, self.backend.prefix)

    @property
    def source(self) -> str:
        """From where, as the audit keeps it: `web 10.1.2.3`."""
        return source_of(self.request)

    @property
    def store(self) -> SettingsStore:
        """The options; a change tells the audit from where it came."""
        return self.backend.store(self.source)

    @property
    def options(self) -> Snapshot:
        """The options as they hold now."""
        return self.backend.options.snapshot()

    @property
    def warnings(self) -> list[tuple[str, str]]:
        """Channels that do not go as they are meant to, each with its tone.

        For who may see servers, or the messages, whose timelines tell the same.
        """
        sees = self.may(Privilege.VIEW_SERVER_OPTIONS) or self.may(Privilege.VIEW_NOTIFICATIONS)
        if not (self.is_signed_in and sees):
            return []
        return warnings_of(standings(self.options, self.backend.breaker.servers()))

    @property
    def name(self) -> str:
        """Who asks, as author and actor."""
        return self.principal.name

    @property
    def is_signed_in(self) -> bool:
        """Whether somebody has."""
        return self.session is not None

    @property
    def now_ms(self) -> int:
        """Redis' time at the start of the request, by which relative times are told."""
        if self.session is not None:
            return self.session.now_ms
        return int(time.time() * _MILLISECONDS_PER_SECOND)

    @property
    def path(self) -> str:
        """The page's path with its query, to come back to."""
        query = self.request.url.query
        return local_path(f"{self.request.url.path}?{query}" if query else self.request.url.path)

    @property
    def came_from(self) -> str:
        """The page of ours that a form was sent from; the first page where that is none, or not said."""
        try:
            parts = urlsplit(self.request.headers.get("referer", ""))
        except ValueError:
            return "/"
        is_ours = parts.netloc == self.request.headers.get("host") and self._is_there(parts.path)
        return local_path(parts.path) if is_ours else "/"

    @property
    def asks_for_part(self) -> bool:
        """Whether it is the script of a page that asks, to keep that live."""
        return "x-part" in self.request.headers

    @property
    def form_token(self) -> str:
        """What the forms of this page carry."""
        return self.session.form_token if self.session else form_token(self.guest_id)

    def may(self, privilege: Privilege | str) -> bool:
        """Whether they may; templates name the privilege as text."""
        return may(self.principal, Privilege(privilege))

    def field(self, name: str, *, maximum_characters: int = 100_000) -> str:
        """A text field of the form; blank where it was not sent.

        Raises:
            Refusal: It is a file, or too long.
        """
        value = self.form.get(name, "")
        if not isinstance(value, str):
            raise invalid(name, "is a file; allowed: text")
        if len(value) > maximum_characters:
            raise invalid(name, f"is too long; allowed: {maximum_characters:,} characters")
        return value

    def fields(self, name: str) -> list[str]:
        """Every text field of that name."""
        return [value for value in self.form.getlist(name) if isinstance(value, str)]

    def upload(self, name: str) -> UploadFile | None:
        """A file that was sent; None where none was chosen."""
        value = self.form.get(name)
        return value if isinstance(value, UploadFile) and value.filename else None

    def query(self, name: str) -> str:
        """A part of the address after the question mark; blank where it is not there."""
        return self.request.query_params.get(name, "")

    def page(self, template: str, *, status: int = HTTPStatus.OK, **values: Any) -> Response:
        """The answer as a page; what was told before is on it, and told no more."""
        session = self.session
        html = (
            templates()
            .get_template(template)
            .render(
                visit=self,
                navigation=self._navigation(),
                told=session.told if session else (),
                when=lambda milliseconds, **more: when(milliseconds, self.now_ms, **more),
                **values,
            )
        )
        if session:
            self.sessions.heard(session)
        return HTMLResponse(html, status_code=status)

    def part(self, template: str, **values: Any) -> Response:
        """The answer as a part of a page, for the script that keeps it live."""
        html = (
            templates()
            .get_template(template)
            .render(
                visit=self,
                when=lambda milliseconds, **more: when(milliseconds, self.now_ms, **more),
                **values,
            )
        )
        return HTMLResponse(html)

    def go(self, path: str) -> Response:
        """The answer as another page, to be got; a path of ours."""
        return RedirectResponse(local_path(path), status_code=HTTPStatus.SEE_OTHER)

    def tell(self, text: str, tone: Tone = "done") -> None:
        """Have the next page tell something."""
        if self.session is not None:
            self.sessions.tell(self.session, Told(text, tone))

    def _navigation(self) -> list[dict[str, Any]]:
        if not self.is_signed_in or self.principal.must_change_password:
            return []
        path = self.request.url.path
        return [
            {"label": entry.label, "path": entry.path, "current": is_current(entry, path)}
            for entry in entries_for(self.principal, self._is_there)
        ]


def source_of(request: Request) -> str:
    """From where a request came, as the audit keeps it."""
    return f"web {request.client.host}" if request.client else "web"
