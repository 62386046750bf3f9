"""`notify console` as a process on a free port, and somebody who visits it without script."""

from __future__ import annotations

import contextlib
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import requests

from settings_store.access import ADMINISTRATORS, Access
from tests.rigs.accounts import PASSWORD
from tests.rigs.embedded import PROJECT, clean_environment
from tests.rigs.processes import wait_until

START_DEADLINE_SECONDS = 60.0
STOP_DEADLINE_SECONDS = 30.0
REPLY_DEADLINE_SECONDS = 60.0
_ADDRESS = re.compile(r"^console at (https?://\S+)/$", re.MULTILINE)
_TOKEN = re.compile(r'name="form_token" value="([^"]*)"')


class Console:
    """A console that runs."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path) -> None:
        self.process = process
        self._folder = folder

    @property
    def said(self) -> str:
        """What it wrote for whoever started it."""
        return (self._folder / "out").read_text(encoding="utf-8")

    @property
    def log(self) -> str:
        """What it wrote down."""
        return (self._folder / "err").read_text(encoding="utf-8")

    @property
    def address(self) -> str:
        """Where it is, without a slash at the end."""
        found = _ADDRESS.search(self.log)
        assert found, self.log
        return found[1]

    def visitor(self, name: str = "", password: str = PASSWORD) -> Visitor:
        """Somebody; with a name, somebody who has signed in."""
        visitor = Visitor(self.address)
        if name:
            visitor.sign_in(name, password)
        return visitor

    def stop(self) -> int:
        """Ask it to end as a supervisor does; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=STOP_DEADLINE_SECONDS)


class Visitor:
    """Cookies and the last page, as a browser has them."""

    def __init__(self, address: str, **more: str) -> None:
        self.address = address
        self.http = requests.Session()
        # Its own authorities and no proxy, whatever the machine's environment says.
        self.http.trust_env = False
        self.http.headers.update(more)
        self.last = requests.Response()

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> requests.Response:
        """Open a page."""
        return self._kept("GET", path, headers=headers)

    def post(
        self, path: str, fields: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> requests.Response:
        """Send a form of the last page, with its token unless one is given; redirects are followed."""
        form = {"form_token": self.token, **(fields or {})}
        return self._kept("POST", path, data=form, headers=headers)

    @property
    def token(self) -> str:
        """The token of the forms on the last page; blank where it has none."""
        found = _TOKEN.search(self.last.text) if self.last.content else None
        return unescape(found[1]) if found else ""

    def sign_in(self, name: str, password: str = PASSWORD) -> None:
        """Sign in, and see that it worked."""
        self.get("/sign-in")
        answer = self.post("/sign-in", {"name": name, "password": password})
        assert 'action="/sign-out"' in answer.text, answer.text

    def _kept(self, method: str, path: str, **more: Any) -> requests.Response:
        self.last = self.http.request(method, f"{self.address}{path}", timeout=REPLY_DEADLINE_SECONDS, **more)
        return self.last


@contextlib.contextmanager
def running_console(
    redis_url: str, folder: Path, *options: str, wait: bool = True, **more: str
) -> Iterator[Console]:
    """Start it on a free port, wait until it answers, and end it whatever happened.

    Args:
        redis_url: Where its installation is.
        folder: For what it writes, and its data folder.
        options: For `notify console`.
        wait: Whether to wait.
        more: Variables of its environment.
    """
    folder.mkdir(parents=True, exist_ok=True)
    environ = clean_environment(folder / "home", NOTIFY_REDIS_URL=redis_url, **more)
    with (folder / "out").open("wb") as out, (folder / "err").open("wb") as err:
        process = subprocess.Popen(
            [sys.executable, "-m", "console.cli.main", "console", "--port", "0", *options],
            cwd=PROJECT,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
    console = Console(process, folder)
    try:
        if wait:
            wait_until(
                lambda: _ADDRESS.search(console.log) or process.poll() is not None,
                seconds=START_DEADLINE_SECONDS,
                what="the console answering",
            )
            if process.poll() is not None:
                pytest.fail(f"the console did not start:\n{console.log}")
        yield console
    finally:
        if process.poll() is None:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=STOP_DEADLINE_SECONDS)
        process.kill()
        process.wait()


def administrator(access: Access, name: str = "anna") -> str:
    """An account that may do everything, with the password of the tests."""
    access.add_account(name, PASSWORD, [ADMINISTRATORS], by="root@test")
    return name
