"""`make up` as a process: what it starts, keeps running, says and leaves behind."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import smtplib
import socket
import stat
from pathlib import Path

import pytest

from settings_store import environment
from settings_store.redis_client import connect
from settings_store.store import SettingsStore
from tests.rigs.accounts import PASSWORD
from tests.rigs.console import Visitor
from tests.rigs.embedded import REAL, Up, descendants, lives, run_embedded, running_up
from tests.rigs.processes import free_port, wait_until
from workers.embedded.ports import answers


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "a home"


def all_gone(pids: dict[int, str]) -> None:
    wait_until(
        lambda: not any(map(lives, pids)),
        what=f"the end of {[command for pid, command in pids.items() if lives(pid)]}",
    )


def seen_from_another_terminal(up: Up) -> environment.Environment:
    return environment.load({"NOTIFY_HOME": str(up.home)})


def test_a_first_start_points_the_options_at_the_inboxes_and_another_terminal_finds_it(home: Path) -> None:
    with running_up(home) as up:
        found = seen_from_another_terminal(up)
        with connect(found.redis_url) as client:
            snapshot = SettingsStore(client).snapshot()
            durable = {
                name: client.config_get(name)[name]
                for name in ("appendonly", "appendfsync", "maxmemory-policy")
            }
        assert snapshot.revision == 1
        for inbox in ("primary", "secondary"):
            assert snapshot.get(f"{inbox}_email.server_name") == "127.0.0.1"
            assert snapshot.get(f"{inbox}_email.server_port") == up.ports[inbox]
        assert durable == {"appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction"}
        assert found.key_files == (home / "keyring.json",)
        for path in (home / "environment", home / "keyring.json", home / "embedded.json"):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert f"NOTIFY_HOME='{home}'" in up.said()


def test_redis_wants_its_password(home: Path) -> None:
    with running_up(home) as up, socket.create_connection(("127.0.0.1", up.ports["redis"])) as stranger:
        stranger.sendall(b"PING\r\n")
        assert stranger.recv(100).startswith(b"-NOAUTH")


def test_later_starts_keep_ports_and_what_the_administrator_set(home: Path) -> None:
    with running_up(home) as up:
        first_ports = up.ports
        assert "user admin, password " in up.said()
        with connect(seen_from_another_terminal(up).redis_url) as client:
            SettingsStore(client).change({"primary_email.server_name": "mail.example.com"}, author="admin")
    with running_up(home, ports={}) as up:
        with connect(seen_from_another_terminal(up).redis_url) as client:
            snapshot = SettingsStore(client).snapshot()
        assert snapshot.revision == 2
        assert "user admin" not in up.said(), "the first password is shown once"
        assert snapshot.get("primary_email.server_name") == "mail.example.com"
        assert all(
            answers(port)
            for port in first_ports.values()
            if port not in {first_ports["flower"], first_ports["console"]}
        )


def test_an_option_that_names_a_port_nobody_serves_any_more_is_told(home: Path) -> None:
    with running_up(home) as up:
        ports = dict(up.ports)
    moved = free_port()
    with running_up(home, ports={"primary": moved}) as up:
        assert f"options set primary_email.server_port={moved}" in up.said()
        assert f"secondary_email.server_port={ports['secondary']}" not in up.said()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_it_cleanly_the_worker_first_and_redis_last(home: Path, number: signal.Signals) -> None:
    with running_up(home) as up:
        children = up.children()
        assert len(children) == 3
        assert up.end(number) == 0
        assert not any(map(lives, children))
        assert not (home / "environment").exists()
        told = [line.split()[1] for line in up.said().splitlines() if " stopped " in line]
        assert told == ["worker", "inbox", "redis"]


def test_killed_without_warning_it_leaves_no_process_behind(home: Path) -> None:
    with running_up(home) as up:
        children = up.children()
        assert len(children) == 3
        up.end(signal.SIGKILL)
        all_gone(children)
        with running_up(home, ports={}):
            """What a killed one left (its lock, its environment file) is in nobody's way."""


def test_a_second_signal_does_not_wait_for_a_child_that_hangs(home: Path) -> None:
    deaf = "trap '' TERM; echo ready; while :; do sleep 1; done"
    with running_up(home, environment={"WORKER": deaf}) as up:
        children = up.children()
        up.process.send_signal(signal.SIGINT)
        up.wait_said("Stopping")

        # Two signals within half a second are one wish; so ask until it is heard as a second one.
        def ended() -> bool:
            up.process.send_signal(signal.SIGINT)
            return up.process.poll() is not None

        wait_until(ended, seconds=10, what="the end")
        assert up.wait_end() == 0
        all_gone(children)


def test_a_child_that_dies_is_started_again_and_said_in_one_line(home: Path) -> None:
    with running_up(home) as up:
        first = up.child("workers.embedded.inbox")
        os.kill(first, signal.SIGKILL)
        up.wait_said("inbox ended by SIGKILL; starting it again")
        wait_until(lambda: answers(up.ports["primary"]), what="the inbox being back")
        assert up.child("workers.embedded.inbox") != first
        assert up.said().count("inbox ended") == 1


def test_redis_comes_back_with_everything(home: Path) -> None:
    with running_up(home) as up:
        os.kill(up.child("valkey-server"), signal.SIGKILL)
        with connect(seen_from_another_terminal(up).redis_url, retries=50) as client:
            assert SettingsStore(client).snapshot().revision == 1


def test_a_child_that_fails_at_once_again_and_again_ends_everything_with_its_last_lines(home: Path) -> None:
    with running_up(home, environment={"WORKER": "echo the reason why; exit 3"}, wait=False) as up:
        assert up.wait_end() == 1
        assert descendants(up.process.pid) == {}
    said = up.said()
    assert "worker ended with code 3 at once, 5 times in a row" in said
    assert "    the reason why" in said
    assert str(home / "logs" / "worker.log") in said
    assert "Traceback" not in said
    assert not (home / "environment").exists()


def test_a_stop_while_children_still_start_is_a_clean_one(home: Path) -> None:
    with running_up(home, environment={"WORKER": "exec sleep 600"}, wait=False) as up:
        up.wait_said("✓ inbox")
        assert up.end() == 0
        assert not any(map(lives, up.children()))


def test_a_second_one_on_the_same_folder_is_told_who_has_it(home: Path) -> None:
    with running_up(home) as up:
        second = run_embedded(home, "up")
        assert second.returncode == 1
        assert f"already runs on {home} (pid {up.process.pid})" in second.stdout
        assert "NOTIFY_HOME=" in second.stdout
        assert "Traceback" not in second.stdout + second.stderr
        assert (home / "environment").exists()


def test_a_taken_port_is_said_with_its_holder_and_what_to_do(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
        ended = run_embedded(home, "up", "--port", f"primary={port}")
    assert ended.returncode == 1
    assert f"port {port} (primary) is held by " in ended.stdout
    assert f"(pid {os.getpid()})" in ended.stdout
    assert 'make up ARGS="--port primary=' in ended.stdout
    assert "Traceback" not in ended.stdout + ended.stderr


def test_a_port_that_is_none_is_a_usage_error(home: Path) -> None:
    ended = run_embedded(home, "up", "--port", "primary=99999")
    assert ended.returncode == 2
    assert "allowed are 1 to 65535" in ended.stderr


@pytest.mark.parametrize(
    "wrong",
    [
        "redis://nobody:hunter2@127.0.0.1:{port}/0",
        "redis://:hunter2#@127.0.0.1:{port}/0",
        "redis://hunter2/@127.0.0.1:{port}/0",
        "redis://127.0.0.1:hunter2/0",
        "http://:hunter2@127.0.0.1:{port}/0",
    ],
)
def test_a_named_redis_that_cannot_be_used_is_said_without_its_password(
    home: Path, debian_redis_url: str, wrong: str
) -> None:
    port = debian_redis_url.rpartition(":")[2].partition("/")[0]
    refused = run_embedded(home, "up", NOTIFY_REDIS_URL=wrong.format(port=port))
    assert refused.returncode == 1
    assert "NOTIFY_REDIS_URL" in refused.stdout
    assert "hunter2" not in refused.stdout + refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_named_redis_is_used_instead_of_an_own_one(home: Path, debian_redis_url: str) -> None:
    prefix = f"embedded-{os.getpid()}"
    named = {"NOTIFY_REDIS_URL": debian_redis_url, "NOTIFY_PREFIX": prefix}
    ports = {name: free_port() for name in ("primary", "secondary", "page", "console", "flower")}
    with running_up(home, ports=ports, environment=named) as up:
        assert not [command for command in up.children().values() if "valkey-server" in command]
        assert seen_from_another_terminal(up).redis_url == debian_redis_url
        assert seen_from_another_terminal(up).prefix == prefix


def test_inboxes_are_stopped_and_started_by_command(home: Path) -> None:
    with running_up(home) as up:
        stopped = run_embedded(home, "stop", "primary")
        assert stopped.returncode == 0
        assert "refuses connections" in stopped.stdout
        with pytest.raises(ConnectionRefusedError):
            smtplib.SMTP("127.0.0.1", up.ports["primary"])
        assert answers(up.ports["secondary"])
        assert run_embedded(home, "start", "primary").returncode == 0
        assert answers(up.ports["primary"])
    nothing_runs = run_embedded(home, "stop", "primary")
    assert nothing_runs.returncode == 1
    assert "hint: start everything: make up" in nothing_runs.stdout


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ended = run_embedded(tmp_path / "file" / "home", "up")
    assert ended.returncode == 1
    assert "cannot be made" in ended.stdout
    assert "Traceback" not in ended.stdout + ended.stderr


def test_the_real_worker_flower_and_console_start_on_loopback_alone_with_no_secret_in_a_command_line(
    home: Path,
) -> None:
    with running_up(home, command=REAL) as up:
        children = up.children()
        assert len([command for command in children.values() if "celery" in command]) >= 2
        flower = up.ports["flower"]
        with socket.create_connection(("127.0.0.1", flower)) as anonymous:
            anonymous.sendall(b"GET /api/workers HTTP/1.0\r\n\r\n")
            assert b" 401 " in anonymous.recv(1000)
        password = seen_from_another_terminal(up).redis_url.partition("@")[0].rpartition(":")[2]
        shown = {*re.findall(r"password ([\w-]+)", up.said()), password}
        assert len(shown) == 3
        assert not [command for command in children.values() if any(each in command for each in shown)]
        (of_the_console,) = set(re.findall(r"user admin, password ([\w-]+), shown this once", up.said()))
        visitor = Visitor(f"http://127.0.0.1:{up.ports['console']}")
        visitor.sign_in("admin", of_the_console)
        assert visitor.get("/").url.endswith("/password")
        visitor.post("/password", {"current": of_the_console, "new": PASSWORD, "again": PASSWORD})
        assert f'<a href="http://127.0.0.1:{flower}/" rel="noreferrer">Flower</a>' in visitor.get("/").text
        assert password not in up.said()
        listening = listeners(set(children))
        assert set(up.ports.values()) <= {port for _, port in listening}
        assert {address for address, _ in listening} == {"0100007F"}
        assert up.end() == 0
        assert not any(map(lives, children))


def listeners(pids: set[int]) -> set[tuple[str, int]]:
    """Addresses (as the kernel writes them) and ports on which these processes listen."""
    sockets = set()
    for entry in (entry for pid in pids for entry in Path(f"/proc/{pid}/fd").iterdir()):
        # What is no server's socket comes and goes meanwhile.
        with contextlib.suppress(FileNotFoundError):
            sockets.add(str(entry.readlink()))
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            columns = line.split()
            if columns[3] == "0A" and f"socket:[{columns[9]}]" in sockets:
                address, _, port = columns[1].rpartition(":")
                found.add((address, int(port, 16)))
    return found
