"""Redis dies and comes back while work goes on: the worker goes on too, by itself."""

from __future__ import annotations

from tests.rigs.installation import Installation
from tests.rigs.mailbox import Mailbox
from tests.rigs.processes import wait_until

#: After this a bell that was lost on the way to a worker is rung again.
PAST_THE_RING_SECONDS = 31.0
PAST_THE_RESEND_SECONDS = 61.0


def _taken(mailbox: Mailbox, least: int, *, what: str) -> None:
    wait_until(lambda: mailbox.taken >= least, what=what)


def test_the_worker_resumes_after_each_restart_of_redis(installation: Installation, mailbox: Mailbox) -> None:
    installation.configure(primary=mailbox)
    mailbox.take_slowly(0.05)
    with installation.worker() as worker:
        ids = installation.publish_many(300)
        for _ in range(2):
            before = mailbox.taken
            _taken(mailbox, before + 50, what="a worker in the middle of it")
            installation.server.stop()
            installation.server.start()
            before = mailbox.taken
            _taken(mailbox, before + 50, what="the worker resuming")
        wait_until(lambda: not installation.open_count("queued", "waiting"), what="the rest being taken")
        installation.server.advance(PAST_THE_RING_SECONDS)
        wait_until(lambda: not installation.open_count("waiting"), what="lost bells being rung again")
        installation.server.advance(PAST_THE_RESEND_SECONDS)
        wait_until(lambda: not installation.open_count(), what="everything being final")
        assert worker.process.poll() is None, "it was this worker that did it all"
    counts = mailbox.counts()
    for each in ids:
        record = installation.record(each)
        uncertain = any(entry["verdict"] == "uncertain" for entry in record.timeline)
        assert record.state == "delivered", record
        assert counts[each] == 1 or uncertain, record


def test_a_worker_that_starts_before_redis_waits_for_it(installation: Installation, mailbox: Mailbox) -> None:
    installation.configure(primary=mailbox)
    published = installation.publish()
    installation.server.stop()
    with installation.worker(wait=False) as worker:
        worker.wait_logged("Cannot connect")
        installation.server.start()
        worker.wait_logged(" ready.")
        installation.wait_state(published.id, "delivered")
