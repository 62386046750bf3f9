"""An installation and a mail server for each test that asks for them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from settings_store.keyring import generate
from tests.rigs.installation import Installation, running_installation
from tests.rigs.mailbox import Mailbox, open_mailbox
from tests.rigs.swept import Swept


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    with running_installation(tmp_path) as running:
        yield running


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with open_mailbox() as opened:
        yield opened


@pytest.fixture
def keyed_installation(tmp_path: Path, mailbox: Mailbox) -> Iterator[Installation]:
    """One that can keep secrets, and whose mail goes into the mailbox."""
    generate(tmp_path / "keys.json")
    with running_installation(tmp_path, NOTIFY_KEY_FILE=str(tmp_path / "keys.json")) as running:
        running.configure(primary=mailbox)
        yield running


@pytest.fixture
def swept(installation: Installation) -> Swept:
    return Swept(installation)
