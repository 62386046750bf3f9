"""Stops and starts an inbox from the command line, by the page's own form."""

from __future__ import annotations

import http.client
from http.cookies import SimpleCookie
from urllib.parse import urlencode

from workers.embedded.choices import read
from workers.embedded.errors import NotRunning, SwitchRefused
from workers.embedded.home import Home
from workers.embedded.inbox_page import TOKEN_COOKIE, TOKEN_FIELD
from workers.embedded.ports import LOOPBACK

INBOXES = ("primary", "secondary")
_TIMEOUT_SECONDS = 10.0


def switch(home: Home, inbox: str, verb: str) -> str:
    """Stop or start an inbox of the running `make up`; the sentence that says so.

    Raises:
        NotRunning: Nothing answers there.
        SwitchRefused: The page said no.
    """
    choices = read(home.choices_file)
    if choices is None:
        raise NotRunning(f"nothing was ever started on {home.folder}", hint="start everything: make up")
    try:
        status, reason = _post(choices.ports["page"], inbox, verb)
    except (OSError, http.client.HTTPException):
        raise NotRunning(
            f"the inboxes do not answer on port {choices.ports['page']}", hint="start everything: make up"
        ) from None
    if status != http.HTTPStatus.SEE_OTHER:
        raise SwitchRefused(f"the {inbox} inbox did not {verb}: {reason}")
    where = f"{LOOPBACK}:{choices.ports[inbox]}"
    if verb == "stop":
        return f"{inbox} inbox stopped: {where} refuses connections (again: make start-{inbox})"
    return f"{inbox} inbox started: {where} accepts mail"


def _post(port: int, inbox: str, verb: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/")
        first = connection.getresponse()
        first.read()
        cookies = SimpleCookie(first.getheader("Set-Cookie", ""))
        token = cookies[TOKEN_COOKIE].value if TOKEN_COOKIE in cookies else ""
        connection.request(
            "POST",
            f"/inbox/{inbox}/{verb}",
            urlencode({TOKEN_FIELD: token}),
            {
                "Content-Type": "application/x-www-form-urlencoded",
                "Cookie": f"{TOKEN_COOKIE}={token}",
            },
        )
        reply = connection.getresponse()
        reply.read()
        return reply.status, reply.reason
    finally:
        connection.close()
