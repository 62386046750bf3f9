"""What goes wrong around a command ends in one line, a hint and an exit code: no traceback, no password."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from console.cli.context import REPLY_TIMEOUT_SECONDS
from console.cli.faults import explained
from settings_store.store import SettingsStore
from tests.rigs.command_line import CommandLine, Done
from tests.rigs.processes import free_port, running_redis

PASSWORD = "pa55-of-redis"
OPTIONS_FILE = str(Path(__file__).parents[1] / "settings_store" / "smtp_page.tsv")
COMMANDS = [
    ("options", "list"),
    ("options", "get", "text.labels"),
    ("options", "set", "text.labels=no", "--reason", "x"),
    ("options", "reset", "all", "--reason", "x"),
    ("options", "history"),
    ("options", "rollback", "0", "--reason", "x"),
    ("options", "diff", "0"),
    ("options", "mirror", "email"),
    ("options", "export"),
    ("options", "import", OPTIONS_FILE, "--dry-run"),
    ("send", "email", "--to", "a@b", "--message", "x"),
    ("send", "text", "--to", "a@b", "--message", "x", "--dry-run"),
    ("message", "show", "1"),
    ("message", "list"),
    ("message", "cancel", "1"),
    ("route", "explain", "email"),
    ("audit", "list"),
    ("account", "list"),
    ("role", "add", "x", "--privilege", "view_notifications"),
    ("token", "create", "x", "--privilege", "view_notifications"),
]


def fails(done: Done, code: int) -> None:
    """It ended with this code, an error, a hint, and nothing that must not be shown."""
    assert done.code == code, done.err
    assert done.error
    assert done.hint
    assert done.out == ""
    assert PASSWORD not in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_redis_away_is_told_with_its_address(notify: CommandLine, words: tuple[str, ...]) -> None:
    port = free_port()
    done = notify(*words, env={"NOTIFY_REDIS_URL": f"redis://user:{PASSWORD}@127.0.0.1:{port}/0"})
    fails(done, 1)
    assert done.error == f"Redis at 127.0.0.1:{port} does not answer: connection refused"


@pytest.fixture
def silent_port() -> Iterator[int]:
    """Something that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken: list[socket.socket] = []

        def take() -> None:
            with contextlib.suppress(OSError):
                while True:
                    taken.append(server.accept()[0])

        thread = threading.Thread(target=take, daemon=True)
        thread.start()
        port: int = server.getsockname()[1]
        yield port
        server.shutdown(socket.SHUT_RDWR)
        thread.join()
        for connection in taken:
            connection.close()


def test_a_redis_that_hangs_is_given_up_within_seconds(notify: CommandLine, silent_port: int) -> None:
    began = time.monotonic()
    done = notify("message", "list", env={"NOTIFY_REDIS_URL": f"redis://127.0.0.1:{silent_port}/0"})
    fails(done, 1)
    assert done.error.endswith(f"does not answer: no reply within {REPLY_TIMEOUT_SECONDS:g} s")
    assert time.monotonic() - began < REPLY_TIMEOUT_SECONDS + 3


def test_what_is_no_redis_is_told(notify: CommandLine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def greet() -> None:
            with contextlib.suppress(OSError), server.accept()[0] as connection:
                connection.sendall(b"220 mail.example ESMTP\r\n")
                connection.recv(4096)

        thread = threading.Thread(target=greet)
        thread.start()
        done = notify("message", "list", env={"NOTIFY_REDIS_URL": f"redis://127.0.0.1:{port}/0"})
        with contextlib.suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)
        thread.join()
    fails(done, 1)
    assert done.error == (
        f"Redis at 127.0.0.1:{port} does not answer: what listens there speaks another protocol"
    )


@pytest.fixture(scope="module")
def locked_port(tmp_path_factory: pytest.TempPathFactory, valkey_program: str) -> Iterator[int]:
    """A Redis with a password, and a user who may only read."""
    with running_redis(valkey_program, tmp_path_factory.mktemp("locked")) as url:
        with redis.Redis.from_url(url) as client:
            client.execute_command(
                "ACL", "SETUSER", "reader", "on", ">readonly", "~*", "-@all", "+@read", "+@connection"
            )
            client.config_set("requirepass", PASSWORD)
        yield int(url.rpartition(":")[2].partition("/")[0])


@pytest.mark.parametrize("user", ["", ":wrong@", "nobody:wrong@"])
def test_a_wrong_password_is_not_allowed(notify: CommandLine, locked_port: int, user: str) -> None:
    url = f"redis://{user}127.0.0.1:{locked_port}/0"
    done = notify("options", "get", "text.labels", env={"NOTIFY_REDIS_URL": url})
    fails(done, 4)
    assert done.error == f"Redis at 127.0.0.1:{locked_port} refuses the user or password"


def test_the_right_password_works(notify: CommandLine, locked_port: int) -> None:
    url = f"redis://:{PASSWORD}@127.0.0.1:{locked_port}/0"
    assert notify("options", "get", "text.labels", env={"NOTIFY_REDIS_URL": url}).code == 0


def test_a_user_who_may_only_read_is_not_allowed_to_change(notify: CommandLine, locked_port: int) -> None:
    env = {"NOTIFY_REDIS_URL": f"redis://reader:readonly@127.0.0.1:{locked_port}/0"}
    assert notify("options", "get", "text.labels", env=env).code == 0
    done = notify("options", "set", "text.labels=no", "--reason", "x", env=env)
    fails(done, 4)
    assert "does not allow this user" in done.error


@pytest.mark.parametrize(
    "url",
    [
        f"http://:{PASSWORD}@host/0",
        f"redis://:{PASSWORD}@host:port/0",
        f"redis://:{PASSWORD}/x@host:6379/0",
        f"redis://:12/{PASSWORD}@host:6379/0",
        f"redis://:{PASSWORD}#x@host:6379/0",
        f"redis://:{PASSWORD}?@host:6379/0",
        f"redis://:{PASSWORD}@[::1/0",
        f"redis://:{PASSWORD}@host:99999/0",
        PASSWORD,
    ],
)
def test_a_url_that_cannot_be_read_is_bad_input_and_not_repeated(notify: CommandLine, url: str) -> None:
    done = notify("message", "list", env={"NOTIFY_REDIS_URL": url})
    fails(done, 2)
    assert "NOTIFY_REDIS_URL" in done.error


def test_without_any_redis_it_says_how_to_start_one(notify: CommandLine) -> None:
    done = notify("message", "list", env={"NOTIFY_REDIS_URL": ""})
    fails(done, 2)
    assert "make up" in done.hint


def test_a_prefix_that_is_not_allowed_is_bad_input(notify: CommandLine) -> None:
    done = notify("message", "list", env={"NOTIFY_PREFIX": "a b"})
    fails(done, 2)
    assert done.error.startswith("NOTIFY_PREFIX must be")


def test_what_another_program_wrote_is_told(notify: CommandLine, redis_server: redis.Redis) -> None:
    redis_server.hset("notify:settings", "revision", "seven")
    fails(notify("options", "list"), 1)


def test_a_key_of_another_kind_is_told(notify: CommandLine, redis_server: redis.Redis) -> None:
    redis_server.set("notify:settings", "text")
    done = notify("options", "list")
    fails(done, 1)
    assert "WRONGTYPE" in done.error


def test_a_key_file_that_is_missing_stops_nothing_that_needs_no_key(notify: CommandLine) -> None:
    env = {"NOTIFY_KEY_FILE": "/nonexistent/keys"}
    for words in COMMANDS[:3] + COMMANDS[6:8] + COMMANDS[-1:]:
        assert notify(*words, env=env).code == 0
    done = notify("encrypt", stdin=b"x", env=env)
    fails(done, 1)
    assert done.error.startswith("/nonexistent/keys: cannot be read")


@pytest.mark.parametrize("content", [b"", b"{}", b"\x00\xff", b'{"primary": "k", "keys": {"k": "c2hvcnQ="}}'])
def test_a_key_file_that_is_none_is_told_without_what_is_in_it(
    notify: CommandLine, tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "keys"
    file.write_bytes(content)
    file.chmod(0o600)
    done = notify("encrypt", stdin=b"x", env={"NOTIFY_KEY_FILE": str(file)})
    fails(done, 1)
    assert "c2hvcnQ=" not in done.err


@pytest.mark.parametrize(
    "words, nearest",
    [
        (("optoins",), "options"),
        (("mesage", "list"), "message"),
        (("message", "lst"), "list"),
        (("options", "list", "--chnged"), "--changed"),
        (("send", "email", "--sbject", "x"), "--subject"),
    ],
)
def test_a_misspelt_command_or_flag_proposes_the_nearest(
    notify: CommandLine, words: tuple[str, ...], nearest: str
) -> None:
    done = notify(*words)
    fails(done, 2)
    assert done.hint.startswith(f"did you mean {nearest}?")


@pytest.mark.parametrize(
    "words", [(), ("options",), ("options", "get"), ("message", "show"), ("send", "email", "--to")]
)
def test_a_command_that_is_not_complete_is_usage(notify: CommandLine, words: tuple[str, ...]) -> None:
    done = notify(*words)
    assert (done.code, done.out) == (2, "")
    assert done.err


def test_nothing_typed_reaches_the_terminal_as_it_is(notify: CommandLine) -> None:
    for words in (("\x1b[2J",), ("options", "get", "\x1b[2J"), ("message", "show", "--\x1b[2J"), ("a\nb",)):
        done = notify(*words)
        assert "\x1b" not in done.err
        assert len(done.err.splitlines()) == 2


def test_a_fault_that_nobody_knows_is_not_hidden() -> None:
    assert explained(KeyError("a defect")) is None


def test_an_interrupted_wait_ends_with_130_and_says_that_the_message_goes_on(
    notify: CommandLine, store: SettingsStore
) -> None:
    read, write = os.pipe()
    words = ("send", "email", "--to", "a@b", "--message", "x", "--wait", "60")
    with notify.start(*words, stderr=write) as process:
        os.close(write)
        deadline = time.monotonic() + 30
        while not store._redis.llen("notify.normal"):
            assert time.monotonic() < deadline, "nothing was sent"
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        with os.fdopen(read) as err:
            told = err.read()
        process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in told
