"""What surrounds every reply: headers, faults as pages, limits, and Redis being away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from console.serving.security_headers import CONTENT_SECURITY_POLICY
from console.web.door import FORM_MAXIMUM_BYTES
from settings_store.access import Access
from settings_store.redis_client import connect
from tests.rigs.console import Console, administrator, running_console
from tests.rigs.processes import running_redis


@pytest.mark.parametrize("path", ["/", "/sign-in", "/nothing", "/assets/console.css", "/assets/nothing"])
def test_every_reply_forbids_frames_foreign_content_and_guessed_types(console: Console, path: str) -> None:
    headers = console.visitor().get(path).headers
    assert headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert "Server" not in headers


def test_pages_are_kept_nowhere_and_assets_as_long_as_their_content_is_the_same(console: Console) -> None:
    visitor = console.visitor()
    page = visitor.get("/sign-in")
    assert page.headers["Cache-Control"] == "no-store"
    href = page.text.partition('rel="stylesheet" href="')[2].partition('"')[0]
    assert "immutable" in visitor.get(href).headers["Cache-Control"]
    assert visitor.get("/assets/console.css").headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    "path", ["/assets/../templates/base.html", "/assets/%2e%2e/rendering.py", "/assets/"]
)
def test_assets_lead_nowhere_else(console: Console, path: str) -> None:
    prepared = requests.Request("GET", console.address).prepare()
    prepared.url = console.address + path
    with requests.Session() as http:
        assert http.send(prepared, timeout=60).status_code == 404


def test_what_is_not_there_or_takes_no_such_method_is_told_as_a_page(console: Console, anna: str) -> None:
    visitor = console.visitor(anna)
    missing = visitor.get("/nothing")
    assert missing.status_code == 404
    assert "There is nothing at this address." in missing.text
    assert 'action="/sign-out"' in missing.text
    assert visitor.post("/").status_code == 405
    assert visitor.http.put(f"{console.address}/", timeout=60).status_code == 405


@pytest.mark.parametrize("form", ["declared", "in pieces"])
def test_a_body_that_is_too_large_is_refused(console: Console, anna: str, form: str) -> None:
    del anna
    visitor = console.visitor()
    visitor.get("/sign-in")
    body = b"form_token=" + visitor.token.encode() + b"&name=" + b"x" * (FORM_MAXIMUM_BYTES + 1)
    pieces = (body[start : start + 65_536] for start in range(0, len(body), 65_536))
    try:
        answer = visitor.http.post(
            f"{console.address}/sign-in",
            data=body if form == "declared" else pieces,
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            timeout=60,
        )
    except requests.ConnectionError:
        return  # it was refused while we were still sending
    assert answer.status_code == 413


def test_a_form_that_is_none_is_refused_in_words(console: Console, anna: str) -> None:
    visitor = console.visitor(anna)
    for kind, body in (("multipart/form-data; boundary=x", b"--y"), ("multipart/form-data", b"x")):
        answer = visitor.http.post(
            f"{console.address}/sign-out", data=body, headers={"Content-Type": kind}, timeout=60
        )
        assert answer.status_code in {400, 403}
    answer = visitor.http.post(f"{console.address}/sign-out", files={"form_token": ("x", b"x")}, timeout=60)
    assert answer.status_code == 422
    assert visitor.get("/").status_code == 200


def test_only_the_allowed_hosts_are_answered(valkey_url: str, console: Console, tmp_path: Path) -> None:
    del console  # its accounts keep this one from making any
    with running_console(valkey_url, tmp_path, "--allow-host", "notify.example.com") as other:
        assert other.visitor().get("/sign-in").status_code == 400
        assert other.visitor().get("/sign-in", {"Host": "notify.example.com"}).status_code == 200


class TestWithoutRedis:
    @pytest.fixture
    def alone(self, valkey_program: str, tmp_path: Path) -> Iterator[Console]:
        """A console whose Redis has gone, in which somebody had signed in."""
        (tmp_path / "redis").mkdir()
        with running_redis(valkey_program, tmp_path / "redis") as url:
            access = Access(connect(url))
            administrator(access)
            with running_console(url, tmp_path / "console") as console:
                self.visitor = console.visitor("anna")
                connect(url).shutdown(nosave=True)
                yield console

    def test_pages_say_so_and_when_to_come_back(self, alone: Console) -> None:
        guest = alone.visitor()
        guest.get("/sign-in")
        answers = [self.visitor.get(path) for path in ("/", "/sign-in", "/nothing")]
        answers.append(guest.post("/sign-in", {"name": "anna", "password": "x"}))
        for answer in answers:
            assert answer.status_code == 503
            assert "Redis does not answer" in answer.text
            assert answer.headers["Retry-After"] == "5"
        assert "Traceback" not in alone.log
        assert "console_defect" not in alone.log
