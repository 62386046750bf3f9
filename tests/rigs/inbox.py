"""The two local inboxes as their own process, and a browser of few words for their page."""

from __future__ import annotations

import contextlib
import http.client
import smtplib
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import urlencode

from tests.rigs.embedded import clean_environment
from tests.rigs.processes import free_port, wait_until
from workers.embedded.inbox_page import TOKEN_COOKIE, TOKEN_FIELD
from workers.embedded.ports import answers


@dataclass(frozen=True)
class Answer:
    """What the page said."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass(frozen=True)
class Inboxes:
    """The running pair."""

    home: Path
    ports: Mapping[str, int]

    def ask(self, path: str, *, form: Mapping[str, str] | None = None, **headers: str) -> Answer:
        """Get a page; with a form, post it as it is."""
        connection = http.client.HTTPConnection("127.0.0.1", self.ports["page"], timeout=20)
        with contextlib.closing(connection):
            if form is None:
                connection.request("GET", path, headers=headers)
            else:
                headers["Content-Type"] = "application/x-www-form-urlencoded"
                connection.request("POST", path, urlencode(form), headers)
            reply = connection.getresponse()
            return Answer(reply.status, dict(reply.getheaders()), reply.read())

    def switch(self, inbox: str, verb: str, **fields: str) -> Answer:
        """Press Stop or Start, as the page's form does."""
        cookie = self.ask("/").headers["Set-Cookie"].partition(";")[0]
        token = cookie.removeprefix(f"{TOKEN_COOKIE}=")
        return self.ask(f"/inbox/{inbox}/{verb}", form={TOKEN_FIELD: token, **fields}, Cookie=cookie)

    def send(
        self, message: EmailMessage | bytes, *, to: str = "you@example.com", inbox: str = "primary"
    ) -> str:
        """Send a mail; the path of its page."""
        content = message if isinstance(message, bytes) else message.as_bytes()
        with smtplib.SMTP("127.0.0.1", self.ports[inbox], timeout=20) as client:
            client.ehlo()
            client.mail("noreply@mycorp.com")
            client.rcpt(to)
            code, reply = client.data(content)
        assert code == 250, reply
        return f"/mail/{inbox}/{reply.decode().rpartition(' ')[2]}"

    def kept(self, inbox: str = "primary") -> list[Path]:
        """The .eml files, oldest first."""
        return sorted((self.home / "inboxes" / inbox).glob("*.eml"))


@contextlib.contextmanager
def running_inboxes(home: Path) -> Iterator[Inboxes]:
    """Start the pair on free ports."""
    ports = {name: free_port() for name in ("page", "primary", "secondary")}
    command = [sys.executable, "-m", "workers.embedded.inbox", str(home)]
    command += [f"{name}={port}" for name, port in ports.items()]
    with subprocess.Popen(command, env=clean_environment(home)) as process:
        try:
            wait_until(lambda: answers(ports["page"]), what="the page answering")
            yield Inboxes(home, ports)
        finally:
            process.terminate()


def mail(subject: str = "hello", text: str = "hi", html: str = "") -> EmailMessage:
    """A mail of one text, with HTML beside it where given."""
    message = EmailMessage()
    message["From"] = "noreply@mycorp.com"
    message["To"] = "you@example.com"
    message["Subject"] = subject
    message.set_content(text)
    if html:
        message.add_alternative(html, subtype="html")
    return message
