"""An installation with keys and a worker, and two mailboxes, whose servers are tested."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tasks.server_test import ServerTests
from tests.rigs.installation import Installation
from tests.rigs.mailbox import Mailbox
from tests.rigs.worker import Worker


@dataclass
class ServersUnderTest:
    """An installation with keys and a worker, and two mailboxes."""

    installation: Installation
    worker: Worker
    primary: Mailbox
    secondary: Mailbox
    folder: Path

    @property
    def tests(self) -> ServerTests:
        runtime = self.installation.runtime
        return ServerTests(runtime.redis, runtime.store, runtime.bells)

    def state(self, test_id: str) -> str:
        return state_of(self.tests, test_id)


def state_of(tests: ServerTests, test_id: str) -> str:
    report = tests.read(test_id)
    assert report is not None
    return report.state
