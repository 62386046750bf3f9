"""A pool of connections, an authority of our own, a real mail server, and servers that a worker tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from settings_store.keyring import generate
from tasks.transports.pool import ConnectionPool
from tests.rigs.certificates import Certificates, make_certificates
from tests.rigs.command_line import CommandLine
from tests.rigs.installation import running_installation
from tests.rigs.mailbox import open_mailbox
from tests.rigs.postfix import Postfix, running_postfix
from tests.rigs.servers_under_test import ServersUnderTest


@pytest.fixture
def pool() -> Iterator[ConnectionPool]:
    each = ConnectionPool(local_hostname="client.test")
    yield each
    each.close()


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def postfix(certificates: Certificates) -> Iterator[Postfix]:
    with running_postfix(certificates.chain) as rig:
        yield rig


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServersUnderTest]:
    folder = tmp_path_factory.mktemp("tested")
    generate(folder / "keys.json")
    with (
        open_mailbox() as primary,
        open_mailbox() as secondary,
        running_installation(folder, NOTIFY_KEY_FILE=str(folder / "keys.json")) as installation,
        installation.worker() as worker,
    ):
        yield ServersUnderTest(installation, worker, primary, secondary, folder)


@pytest.fixture
def rig(running: ServersUnderTest) -> ServersUnderTest:
    """As at the start: both servers are up and set, and nothing else is."""
    running.installation.runtime.store.reset(["all"], author="test")
    running.installation.configure(primary=running.primary, secondary=running.secondary)
    for mailbox in (running.primary, running.secondary):
        mailbox.come_up()
    return running


@pytest.fixture
def notify(
    rig: ServersUnderTest, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandLine:
    line = CommandLine(rig.installation.server.url, monkeypatch, capsys, rig.folder / "home")
    line.env["NOTIFY_KEY_FILE"] = rig.installation.environ["NOTIFY_KEY_FILE"]
    return line
