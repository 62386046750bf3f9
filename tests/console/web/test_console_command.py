"""`notify console` as an operator starts and stops it."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
import redis

from settings_store import key_file
from settings_store.access import Access
from settings_store.keyring import generate
from settings_store.store import SettingsStore
from tests.rigs.certificates import make_certificates
from tests.rigs.command_line import CommandLine
from tests.rigs.console import administrator, running_console


@pytest.mark.usefixtures("redis_server")
def test_the_first_start_prints_the_password_of_the_first_administrator_once(
    valkey_url: str, tmp_path: Path
) -> None:
    with running_console(valkey_url, tmp_path / "first") as first:
        name, password = (line.rpartition(": ")[2] for line in first.said.splitlines())
        visitor = first.visitor(name, password)
        assert visitor.get("/").url.endswith("/password")
        assert password not in first.log
        with running_console(valkey_url, tmp_path / "second") as second:
            assert second.said == ""
            assert second.visitor(name, password).get("/password").status_code == 200
        assert first.stop() == 0
        assert "Traceback" not in first.log


@pytest.mark.usefixtures("redis_server")
def test_a_key_file_is_followed_and_while_it_cannot_be_used_only_what_needs_it_fails(
    valkey_url: str, tmp_path: Path, access: Access
) -> None:
    administrator(access)
    path = tmp_path / "keys.json"
    with running_console(valkey_url, tmp_path / "console", NOTIFY_KEY_FILE=str(path)) as console:
        visitor = console.visitor("anna")
        for page in ("/", "/servers", "/settings", "/messages", "/settings/encrypt"):
            assert visitor.get(page).status_code == 200, page
        answer = visitor.post("/settings/encrypt", {"secret": "x"})
        assert answer.status_code == 422
        assert "keys.json: cannot be read: No such file or directory" in answer.text
        first = generate(path).primary
        visitor.get("/settings/encrypt")
        assert f"enc:v1:{first}:" in visitor.post("/settings/encrypt", {"secret": "x"}).text
        second = key_file.add_next(path)
        key_file.promote(path, second)
        visitor.get("/settings/encrypt")
        assert f"enc:v1:{second}:" in visitor.post("/settings/encrypt", {"secret": "x"}).text


@pytest.mark.usefixtures("redis_server")
def test_flower_is_linked_to_where_the_environment_says_unless_an_option_does(
    valkey_url: str, tmp_path: Path, access: Access, store: SettingsStore
) -> None:
    administrator(access)
    url = "http://127.0.0.1:5999/"
    with running_console(valkey_url, tmp_path / "console", NOTIFY_FLOWER_URL=url) as console:
        visitor = console.visitor("anna")
        assert f'<a href="{url}" rel="noreferrer">Flower</a>' in visitor.get("/").text
        store.change({"console.flower_url": "https://flower.example/"}, author="bert")
        body = visitor.get("/").text
        assert 'href="https://flower.example/"' in body
        assert url not in body


@pytest.mark.usefixtures("redis_server")
def test_https_is_served_with_cookies_that_go_over_it_alone(
    valkey_url: str, tmp_path: Path, access: Access
) -> None:
    administrator(access)
    certificates = make_certificates(tmp_path)
    options = ("--tls-cert", certificates.chain, "--tls-key", certificates.chain)
    with running_console(valkey_url, tmp_path / "console", *options) as console:
        assert console.address.startswith("https://")
        visitor = console.visitor()
        visitor.http.verify = certificates.bundle
        visitor.sign_in("anna")
        names = {cookie.name: cookie.secure for cookie in visitor.http.cookies}
        assert names == {"__Host-notify-guest": True, "__Host-notify-session": True}


def test_what_keeps_it_from_starting_is_one_line_and_a_hint(notify: CommandLine, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = notify.process("console", "--port", str(taken.getsockname()[1]))
    assert (done.code, done.error) == (
        1,
        f"cannot listen on 127.0.0.1 port {taken_port(done.error)}: address already in use",
    )
    done = notify.process("console", "--tls-cert", "x.pem")
    assert (done.code, done.error) == (2, "--tls-cert and --tls-key belong together")
    done = notify.process("console", "--tls-cert", "x.pem", "--tls-key", "y.pem")
    assert (done.code, done.error) == (1, "x.pem: no such file or directory")
    (tmp_path / "x.pem").write_text("nothing")
    done = notify.process(
        "console", "--tls-cert", str(tmp_path / "x.pem"), "--tls-key", str(tmp_path / "x.pem")
    )
    assert done.code == 1
    assert "are no certificate in PEM with its key" in done.error
    done = notify.process("console", "--allow-host", "a/b")
    assert (done.code, done.error) == (2, "--allow-host a/b: is no name")
    done = notify.process("console", env={"NOTIFY_REDIS_URL": "redis://127.0.0.1:1/0"})
    assert (done.code, done.error) == (
        1,
        "Redis at 127.0.0.1:1 does not answer: connection refused",
    )


def taken_port(error: str) -> str:
    return error.partition("port ")[2].partition(":")[0]


def test_a_proxy_is_believed_only_where_it_is_named(
    valkey_url: str, tmp_path: Path, access: Access, redis_server: redis.Redis
) -> None:
    del redis_server
    administrator(access)
    forwarded = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}
    for options, source in (((), "web 127.0.0.1"), (("--trusted-proxy", "127.0.0.1"), "web 203.0.113.9")):
        with running_console(valkey_url, tmp_path, *options) as console:
            visitor = console.visitor()
            visitor.get("/sign-in", forwarded)
            guest = next(iter(visitor.http.cookies))
            cookies = f"{guest.name}={guest.value}"
            visitor.post("/sign-in", {"name": "anna", "password": "wrong"}, {**forwarded, "Cookie": cookies})
        assert next(access.audit.rows()).source == source
