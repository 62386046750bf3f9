"""The page of the two inboxes: what came, and a switch on each. Mail is hostile, and so is every other site.

Loopback only, also by name (a site whose name is led to loopback gets nothing), strict CSP, no framing, a
token in every form. A mail's HTML is a document of its own, in a sandbox that runs and loads nothing.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote

import tornado.web

from workers.embedded.inbox_smtp import Inbox
from workers.embedded.inbox_store import MAIL_ID, KeptMail
from workers.embedded.mail_view import MailView, view

#: Apart from Flower's cookies: a browser sends cookies to every port of a host.
TOKEN_COOKIE = "notify_inbox_token"  # noqa: S105 - the name of a cookie
#: Tornado looks for this one.
TOKEN_FIELD = "_xsrf"  # noqa: S105 - the name of a field
SHOWN_MAXIMUM_MAILS = 200

_HERE = Path(__file__).parent
_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; frame-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
#: For what a stranger wrote: no script, no form, no network, an origin of its own.
_HOSTILE_POLICY = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; "
    "base-uri 'none'; frame-ancestors 'self'"
)


def application(inboxes: Mapping[str, Inbox], *, port: int, next_command: str) -> tornado.web.Application:
    """The page.

    Args:
        inboxes: By name.
        port: Where the page is served; a browser must have asked for it there.
        next_command: What to type while there is no mail.
    """
    shared = {
        "inboxes": inboxes,
        "hosts": {f"127.0.0.1:{port}", f"localhost:{port}"},
        "next_command": next_command,
    }
    name = "|".join(inboxes)
    mail = rf"/mail/({name})/({MAIL_ID.pattern})"
    return tornado.web.Application(
        [
            (r"/", _Index, shared),
            (r"/live", _Live, shared),
            (mail, _Mail, shared),
            (rf"{mail}/html", _Html, shared),
            (rf"{mail}/attachment/(\d{{1,4}})", _Attachment, shared),
            (rf"{mail}/source", _Source, shared),
            (rf"/inbox/({name})/(stop|start)", _Switch, shared),
            (r"/assets/(inbox\.css|live\.js)", _Asset, {"path": str(_HERE / "assets")}),
        ],
        default_handler_class=_Missing,
        default_handler_args=shared,
        template_path=str(_HERE / "templates"),
        xsrf_cookies=True,
        xsrf_cookie_name=TOKEN_COOKIE,
        # A token that stays the same lets an unchanged list be left alone.
        xsrf_cookie_version=1,
        xsrf_cookie_kwargs={"httponly": True, "samesite": "Strict"},
        log_function=lambda _: None,
    )


class _Page(tornado.web.RequestHandler):
    """What all answers share: who may ask, and what a browser may do with the answer."""

    policy = _POLICY

    def initialize(self, inboxes: Mapping[str, Inbox], hosts: set[str], next_command: str) -> None:
        self.inboxes = inboxes
        self.hosts = hosts
        self.next_command = next_command

    def set_default_headers(self) -> None:
        _protect(self, self.policy)

    def prepare(self) -> None:
        if self.request.host not in self.hosts or not _is_loopback(self.request.remote_ip):
            raise tornado.web.HTTPError(HTTPStatus.FORBIDDEN)

    def write_error(self, status_code: int, **_: Any) -> None:
        # Tornado clears the headers before an error.
        _protect(self, _POLICY)
        self.render("error.html", status=status_code, reason=self._reason)

    def show(self, template: str, **more: Any) -> None:
        """Render with what every template needs."""
        mails = sorted(
            (mail for inbox in self.inboxes.values() for mail in inbox.store.newest_first()),
            key=lambda mail: mail.id,
            reverse=True,
        )
        self.render(
            template,
            inboxes=self.inboxes.values(),
            mails=mails[:SHOWN_MAXIMUM_MAILS],
            total=len(mails),
            version=self.version(),
            next_command=self.next_command,
            when=_when,
            size=_size,
            **more,
        )

    def version(self) -> str:
        """Changes when the list or a switch does."""
        parts = []
        for inbox in self.inboxes.values():
            newest = inbox.store.newest_first()[:1]
            parts += [str(inbox.running), str(len(inbox.store)), newest[0].id if newest else ""]
        return "-".join(parts)

    def find(self, inbox: str, mail_id: str) -> KeptMail:
        """The mail, or 404."""
        mail = self.inboxes[inbox].store.find(mail_id)
        if mail is None:
            raise tornado.web.HTTPError(HTTPStatus.NOT_FOUND)
        return mail

    async def source(self, mail: KeptMail) -> bytes:
        """The mail's file, or 404 where it was dropped meanwhile."""
        try:
            return await asyncio.to_thread(self.inboxes[mail.inbox].store.path(mail).read_bytes)
        except FileNotFoundError:
            raise tornado.web.HTTPError(HTTPStatus.NOT_FOUND) from None

    async def opened(self, mail: KeptMail) -> MailView:
        """The mail taken apart; in a thread, for a big one would hold up the inboxes."""
        return await asyncio.to_thread(view, await self.source(mail))


class _Index(_Page):
    """The list with no mail open."""

    def get(self) -> None:
        self.show("index.html", selected=None)


class _Live(_Page):
    """The switches and the list alone, for a page that shows an older state of them."""

    def get(self) -> None:
        if self.get_query_argument("have", "") == self.version():
            self.set_status(HTTPStatus.NO_CONTENT)
            return
        inbox, _, mail_id = self.get_query_argument("selected", "").partition("/")
        selected = self.inboxes[inbox].store.find(mail_id) if inbox in self.inboxes else None
        self.show("live.html", selected=selected)


class _Mail(_Page):
    """The list with a mail open beside it."""

    async def get(self, inbox: str, mail_id: str) -> None:
        mail = self.find(inbox, mail_id)
        opened = await self.opened(mail)
        shown = self.get_query_argument("show", "html" if opened.html else "text")
        self.show("mail.html", selected=mail, opened=opened, shown=shown)


class _Html(_Page):
    """A mail's HTML as a document of its own, which only our page may frame."""

    policy = _HOSTILE_POLICY

    async def get(self, inbox: str, mail_id: str) -> None:
        opened = await self.opened(self.find(inbox, mail_id))
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.finish(opened.html)


class _Attachment(_Page):
    """A file of a mail; a browser saves it and never shows it."""

    policy = _HOSTILE_POLICY

    async def get(self, inbox: str, mail_id: str, number: str) -> None:
        attachments = (await self.opened(self.find(inbox, mail_id))).attachments
        if int(number) >= len(attachments):
            raise tornado.web.HTTPError(HTTPStatus.NOT_FOUND)
        attachment = attachments[int(number)]
        self.set_header("Content-Type", "application/octet-stream")
        self.set_header(
            "Content-Disposition", f"attachment; filename*=UTF-8''{quote(attachment.name, safe='')}"
        )
        self.finish(attachment.content)


class _Source(_Page):
    """The .eml file."""

    policy = _HOSTILE_POLICY

    async def get(self, inbox: str, mail_id: str) -> None:
        mail = self.find(inbox, mail_id)
        self.set_header("Content-Type", "message/rfc822")
        self.set_header("Content-Disposition", f'attachment; filename="{mail.inbox}-{mail.id}.eml"')
        self.finish(await self.source(mail))


class _Switch(_Page):
    """Stops or starts an inbox and goes back to where the form was."""

    async def post(self, name: str, verb: str) -> None:
        inbox = self.inboxes[name]
        if verb == "stop":
            inbox.stop()
        else:
            try:
                await inbox.start()
            except OSError:
                raise tornado.web.HTTPError(
                    HTTPStatus.CONFLICT, reason=f"port {inbox.port} is held by another program"
                ) from None
        back, _, mail_id = self.get_body_argument("selected", "").partition("/")
        selected = self.inboxes[back].store.find(mail_id) if back in self.inboxes else None
        self.redirect(
            f"/mail/{selected.inbox}/{selected.id}" if selected else "/", status=HTTPStatus.SEE_OTHER
        )


class _Missing(_Page):
    """Any other address."""

    def prepare(self) -> None:
        super().prepare()
        raise tornado.web.HTTPError(HTTPStatus.NOT_FOUND)


class _Asset(tornado.web.StaticFileHandler):
    """Our own style and script."""

    def set_extra_headers(self, path: str) -> None:  # noqa: ARG002 - Tornado's signature
        _protect(self, _POLICY)


def _protect(handler: tornado.web.RequestHandler, policy: str) -> None:
    handler.set_header("Content-Security-Policy", policy)
    handler.set_header("X-Content-Type-Options", "nosniff")
    handler.set_header("Referrer-Policy", "no-referrer")
    handler.set_header("Cross-Origin-Resource-Policy", "same-origin")
    handler.set_header("Cache-Control", "no-store")


def _is_loopback(address: str | None) -> bool:
    try:
        return ipaddress.ip_address(address or "").is_loopback
    except ValueError:
        return False


def _when(at: datetime) -> str:
    """The local time of day; with its date where that is not today's."""
    local = at.astimezone()
    today = datetime.now().astimezone().date()
    return f"{local:%H:%M:%S}" if local.date() == today else f"{local:%d %b %H:%M}"


def _size(size_bytes: int) -> str:
    for unit, limit in (("bytes", 1024), ("KB", 1024**2)):
        if size_bytes < limit:
            return f"{size_bytes // (limit // 1024)} {unit}"
    return f"{size_bytes / 1024**2:.1f} MB"
