"""One Samba, and an installation with keys and a worker."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from settings_store.keyring import generate
from tasks.attachment_test import AttachmentTests
from tests.rigs.command_line import CommandLine
from tests.rigs.installation import Installation, running_installation
from tests.rigs.samba import PASSWORD, USER, Samba, running_samba
from tests.rigs.scheduler_api import PASSWORD as SCHEDULER_PASSWORD
from tests.rigs.scheduler_api import USER as SCHEDULER_USER
from tests.rigs.scheduler_api import SchedulerApi, scheduler_api
from tests.rigs.worker import Worker


@dataclass
class Rig:
    """An installation with a worker, and a folder that its options allow."""

    installation: Installation
    worker: Worker
    folder: Path

    @property
    def tests(self) -> AttachmentTests:
        runtime = self.installation.runtime
        return AttachmentTests(runtime.redis, runtime.store, runtime.bells)

    def set(self, **values: object) -> None:
        """Set options, their names with __ for the dot."""
        changes = {name.replace("__", "."): value for name, value in values.items()}
        self.installation.runtime.store.change(changes, author="test")

    def seal(self, secret: str) -> str:
        """A secret as `notify encrypt` gives it."""
        return self.installation.runtime.store.cipher.seal_for_pasting(secret)


@pytest.fixture(scope="session")
def samba_server() -> Iterator[Samba]:
    with running_samba() as samba:
        yield samba


@pytest.fixture
def samba(samba_server: Samba) -> Iterator[Samba]:
    """A server that runs, whatever the last test did to it."""
    samba_server.restore()
    yield samba_server
    samba_server.thaw()


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    folder = tmp_path_factory.mktemp("fetched")
    generate(folder / "keys.json")
    with (
        running_installation(folder, NOTIFY_KEY_FILE=str(folder / "keys.json")) as installation,
        installation.worker() as worker,
    ):
        yield Rig(installation, worker, folder)


@pytest.fixture
def rig(running: Rig) -> Rig:
    """As at the start: one folder is allowed, nothing else is set, and nobody was refused."""
    runtime = running.installation.runtime
    runtime.store.reset(["all"], author="test")
    runtime.sign_in_guard.forget()
    allowed = running.folder / "allowed"
    allowed.mkdir(exist_ok=True)
    running.set(local_files__folders=str(allowed))
    return running


@pytest.fixture
def shares(rig: Rig, samba: Samba) -> Samba:
    """A file server that the options allow, with an account that may read from it."""
    rig.set(
        general__unc_user=USER,
        general__unc_password=rig.seal(PASSWORD),
        unc__allowed_hosts=samba.address,
    )
    return samba


@pytest.fixture
def scheduler(rig: Rig) -> Iterator[SchedulerApi]:
    """A scheduler that the options name, with a job of two outputs."""
    with scheduler_api(
        outputs={123: {r"C:\Out\123_stdout.txt": "grün\n", "/var/jors/123.err": "oh no"}}
    ) as api:
        rig.set(
            jors__api_address=api.address,
            jors__api_user=SCHEDULER_USER,
            jors__api_password=rig.seal(SCHEDULER_PASSWORD),
        )
        yield api


@pytest.fixture
def notify(rig: Rig, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    line = CommandLine(rig.installation.server.url, monkeypatch, capsys, rig.folder / "home")
    line.env["NOTIFY_KEY_FILE"] = rig.installation.environ["NOTIFY_KEY_FILE"]
    return line
