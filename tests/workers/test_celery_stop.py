"""A worker that is asked to stop does so within seconds: nothing lost, nothing doubled, nothing uncertain."""

from __future__ import annotations

from tests.rigs.installation import Installation
from tests.rigs.mailbox import Mailbox
from tests.rigs.processes import wait_until

STOPS_WITHIN_SECONDS = 6.0


def _taken(mailbox: Mailbox, least: int, *, what: str) -> None:
    wait_until(lambda: mailbox.taken >= least, what=what)


def test_stopping_under_load_loses_and_doubles_nothing(installation: Installation, mailbox: Mailbox) -> None:
    installation.configure(primary=mailbox)
    mailbox.take_slowly(0.05)
    ids = installation.publish_many(300)
    for _ in range(2):
        before = mailbox.taken
        with installation.worker() as worker:
            _taken(mailbox, before + 60, what="a worker in the middle of it")
            assert worker.stop() < STOPS_WITHIN_SECONDS
            assert worker.process.returncode == 0
        assert installation.queries.counts()["sending"] == 0, "what was begun was ended"
        assert installation.runtime.redis.hlen("notify.unacked") == 0
    with installation.worker():
        wait_until(lambda: not installation.open_count(), what="everything being final")
    assert mailbox.counts() == dict.fromkeys(ids, 1)
    assert {entry["verdict"] for each in ids for entry in installation.record(each).timeline} == {"delivered"}
