"""Ports and passwords: chosen once, kept, and told when another program is in the way."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import pytest

from tests.rigs.processes import free_port
from workers.embedded import choices
from workers.embedded.child_log import ChildLog
from workers.embedded.choices import settle
from workers.embedded.errors import FolderUnusable, PortTaken
from workers.embedded.ports import holder, next_free


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "embedded.json"


def test_what_was_chosen_first_is_kept(file: Path) -> None:
    wanted = {"primary": free_port(), "redis": free_port()}
    first = settle(file, needed=["primary", "redis"], wanted=wanted)
    later = settle(file, needed=["primary", "redis"], wanted={})
    assert later == first
    assert dict(first.ports) == wanted
    assert first.redis_password != first.flower_password
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_no_password_shows_in_a_representation(file: Path) -> None:
    chosen = settle(file, needed=[], wanted={})
    assert chosen.redis_password not in repr(chosen)
    assert chosen.flower_password not in repr(chosen)


def test_a_first_start_goes_round_a_default_port_that_is_taken(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        default = held.getsockname()[1]
        monkeypatch.setattr(choices, "DEFAULT_PORTS", {"primary": default, "secondary": default})
        first = settle(file, needed=["primary", "secondary"], wanted={})
    assert len({default, *first.ports.values()}) == 3
    assert first.moved["primary"].startswith(f"port {default} is held by ")
    assert f"(pid {os.getpid()})" in first.moved["primary"]
    assert settle(file, needed=["primary"], wanted={}).moved == {}


def test_a_kept_port_that_is_taken_is_an_error_that_names_its_holder(file: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
        with pytest.raises(
            PortTaken, match=rf"port {port} \(primary\) is held by .*\(pid {os.getpid()}\)"
        ) as fault:
            settle(file, needed=["primary"], wanted={"primary": port})
        assert "--port primary=" in fault.value.hint
        settle(file, needed=[], wanted={"primary": port})


def test_a_program_that_listens_on_every_address_holds_the_port_too() -> None:
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as held:
        port = held.getsockname()[1]
        assert next_free(port) != port
        found = holder(port)
    assert found is not None
    assert found.pid == os.getpid()
    assert holder(free_port()) is None


def test_a_file_that_is_not_ours_is_said(file: Path) -> None:
    file.write_text("[]")
    with pytest.raises(FolderUnusable, match="is not what `make up` wrote there"):
        settle(file, needed=[], wanted={})


def test_a_log_is_bounded_and_the_child_goes_on_writing(tmp_path: Path) -> None:
    log = ChildLog(tmp_path / "worker.log", maximum_bytes=100)
    with log.open() as child:
        child.write(b"early\n" + b"x" * 200)
        assert log.said(b"early")
        log.trim()
        child.write(b"late\n")
        log.trim()
    assert (tmp_path / "worker.log").read_bytes() == b"late\n"
    assert (tmp_path / "worker.log.1").stat().st_size == 206
    assert log.tail(5) == ["late"]
    assert stat.S_IMODE((tmp_path / "worker.log").stat().st_mode) == 0o600


def test_a_log_tells_what_the_present_process_said(tmp_path: Path) -> None:
    log = ChildLog(tmp_path / "worker.log")
    with log.open() as first:
        first.write(b"ready\n")
    with log.open() as second:
        assert not log.said(b"ready")
        second.write(b"not yet\n")
    assert log.tail(5) == ["not yet"]
