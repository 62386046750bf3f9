"""A worker killed at its work loses nothing, and doubles nothing that is not shown as uncertain."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from celery import Celery

from tasks.ledger.queries import Record
from tests.rigs.embedded import descendants
from tests.rigs.foreign_app import send_tasks
from tests.rigs.installation import Installation
from tests.rigs.mailbox import Mail, Mailbox
from tests.rigs.notifications import email
from tests.rigs.processes import wait_until
from tests.rigs.scripted_smtp import Silence

PAST_THE_LEASE_SECONDS = 31.0
PAST_THE_RESEND_SECONDS = 61.0
PREFORK = ("--pool=prefork", "--concurrency=2")


def is_uncertain(record: Record) -> bool:
    return any(entry["verdict"] == "uncertain" for entry in record.timeline)


def wait_taken(mailbox: Mailbox, count: int) -> None:
    wait_until(lambda: mailbox.taken >= count, what=f"{count} having arrived")


def finish_with_a_new_worker(installation: Installation, *options: str) -> None:
    """What was cut off is sent once more by a worker that lives; time is moved to when that may happen."""
    with installation.worker(*options) as worker:
        wait_until(lambda: not installation.open_count("waiting"), seconds=40, what="all but the uncertain")
        installation.server.advance(PAST_THE_RESEND_SECONDS)
        wait_until(lambda: not installation.open_count(), what="everything being final")
        # With prefork a gentle stop may take half a minute.
        worker.kill()


def refuse_loss_and_hidden_doubles(installation: Installation, mailbox: Mailbox, ids: list[str]) -> None:
    arrived: dict[str, list[Mail]] = {}
    for mail in mailbox.mails():
        arrived.setdefault(mail.notification_id, []).append(mail)
    for each in ids:
        record, mails = installation.record(each), arrived.pop(each, [])
        assert record.state in {"delivered", "uncertain"}, record
        assert is_uncertain(record) or (record.state == "delivered" and len(mails) == 1), record
        assert len({mail.message_id for mail in mails}) <= 1, mails
        assert mails or record.state == "uncertain", record
    assert not arrived, "mail that nobody published"


@pytest.mark.parametrize(
    "options, count, kills", [((), 400, 3), (PREFORK, 120, 2)], ids=["threads", "prefork"]
)
def test_a_killed_worker_loses_nothing(
    installation: Installation, mailbox: Mailbox, options: tuple[str, ...], count: int, kills: int
) -> None:
    installation.configure(primary=mailbox)
    mailbox.take_slowly(0.03)
    ids = installation.publish_many(count)
    for _ in range(kills):
        with installation.worker(*options) as worker:
            enough = mailbox.taken + count // (2 * kills)
            wait_taken(mailbox, enough)
            worker.kill()
        installation.server.advance(PAST_THE_LEASE_SECONDS)
    assert installation.final_count() < count, "nothing was left to lose"
    finish_with_a_new_worker(installation, *options)
    refuse_loss_and_hidden_doubles(installation, mailbox, ids)
    # Each worker that died held no more than its slots, however many came to it in one message.
    assert len(mailbox.mails()) - count <= kills * (2 if options is PREFORK else 16)


def test_the_kills_do_reach_the_moment_in_which_nobody_knows(
    installation: Installation, mailbox: Mailbox
) -> None:
    installation.configure(primary=mailbox)
    mailbox.answer(".", Silence())
    published = installation.publish()
    with installation.worker() as worker:
        wait_taken(mailbox, 1)
        worker.kill()
    installation.server.advance(PAST_THE_LEASE_SECONDS)
    mailbox.come_up()
    finish_with_a_new_worker(installation)
    record = installation.record(published.id)
    assert (record.state, is_uncertain(record)) == ("delivered", True)
    first, second = mailbox.mails()
    assert first.text == second.text, "byte for byte the same, Message-ID and Date included"


def test_a_killed_child_of_the_pool_is_replaced_and_loses_nothing(
    installation: Installation, mailbox: Mailbox
) -> None:
    installation.configure(primary=mailbox)
    with installation.worker(*PREFORK) as worker:
        first = installation.publish()
        installation.wait_state(first.id, "delivered")
        mailbox.answer("RCPT", Silence())
        cut_off = installation.publish()
        installation.wait_state(cut_off.id, "sending")
        for child in descendants(worker.process.pid):
            os.kill(child, signal.SIGKILL)
        mailbox.come_up()
        after = installation.publish()
        installation.wait_state(after.id, "delivered")
        installation.server.advance(PAST_THE_LEASE_SECONDS)
        installation.wait_state(cut_off.id, "delivered")
        assert worker.process.poll() is None
        worker.kill()
    assert mailbox.counts() == dict.fromkeys([first.id, cut_off.id, after.id], 1)


DIES_BEFORE_IT_ACCEPTS = """
import os, pathlib
from tasks.publisher import Publisher
accept, mark = Publisher.accept, pathlib.Path(os.environ["MARK"])
def die_once(self, document):
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), 9)
    return accept(self, document)
Publisher.accept = die_once
"""


def test_a_submission_survives_the_child_that_dies_before_it_is_accepted(
    installation: Installation, mailbox: Mailbox, tmp_path: Path
) -> None:
    installation.configure(primary=mailbox)
    mark = str(tmp_path / "mark")
    with installation.worker(*PREFORK, prelude=DIES_BEFORE_IT_ACCEPTS, MARK=mark) as worker:
        (outcome,) = send_tasks(
            installation.server.url, [{"kwargs": {"notification": email()}}], folder=tmp_path
        )
        installation.wait_state(outcome["task"], "delivered")
        worker.kill()
    assert (tmp_path / "mark").exists()
    assert mailbox.counts() == {outcome["task"]: 1}


def test_a_submission_survives_the_worker_that_is_killed_before_it_is_accepted(
    installation: Installation, mailbox: Mailbox, tmp_path: Path
) -> None:
    installation.configure(primary=mailbox)
    redis, index = installation.runtime.redis, "notify.unacked_index"
    sender = Celery("sender", broker=installation.server.url, set_as_current=False)
    with installation.worker(
        prelude=DIES_BEFORE_IT_ACCEPTS, MARK=str(tmp_path / "mark"), wait=False
    ) as worker:
        sent = sender.send_task("notify.submit", kwargs={"notification": email()}, queue="notify.normal")
        worker.wait_end()
    (tag,) = redis.zrange(index, 0, -1)
    assert installation.queries.get(sent.id) is None
    # The broker gives it to the next worker when its time to be acknowledged is over.
    redis.zadd(index, {str(tag): 0})
    with installation.worker():
        installation.wait_state(sent.id, "delivered")
    assert mailbox.counts() == {sent.id: 1}
    assert redis.zcard(index) == 0
