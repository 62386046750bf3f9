"""An empty installation and a mail server for the tests that go all the way."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tests.rigs.command_line import CommandLine
from tests.rigs.installation import Site
from tests.rigs.mailbox import Mailbox, open_mailbox


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with open_mailbox() as opened:
        yield opened


@pytest.fixture
def site(redis_server: redis.Redis, valkey_url: str, tmp_path: Path, mailbox: Mailbox) -> Iterator[Site]:
    """Whose mail goes into the mailbox."""
    del redis_server  # asked for because it empties Redis
    made = Site(valkey_url, tmp_path)
    made.configure(primary=mailbox)
    try:
        yield made
    finally:
        made.runtime.close()


@pytest.fixture
def notify(
    redis_server: redis.Redis,
    valkey_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> CommandLine:
    """`notify` with keys, in a folder of its own: words that are tried are names of files too."""
    del redis_server
    monkeypatch.chdir(tmp_path)
    line = CommandLine(valkey_url, monkeypatch, capsys, tmp_path / "home")
    assert line("keys", "generate", "keys.json").code == 0
    line.env["NOTIFY_KEY_FILE"] = str(tmp_path / "keys.json")
    return line
