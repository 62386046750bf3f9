"""One mail from end to end, by each door, with a real worker, a real Redis and a real mail server."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.rigs.foreign_app import send_tasks
from tests.rigs.installation import Installation, running_installation
from tests.rigs.mailbox import Mailbox, open_mailbox
from tests.rigs.notifications import email
from tests.rigs.processes import wait_until


@dataclass
class Served:
    """An installation with a worker, whose mail goes into the mailbox."""

    installation: Installation
    mailbox: Mailbox
    folder: Path

    def submit(self, **call: object) -> dict[str, object]:
        """Send one submission from somebody else's app; its outcome."""
        (outcome,) = send_tasks(self.installation.server.url, [call], folder=self.folder)
        return outcome


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    with open_mailbox() as mailbox, running_installation(folder) as installation:
        installation.configure(primary=mailbox)
        with installation.worker():
            yield Served(installation, mailbox, folder)


def test_a_published_mail_arrives(served: Served) -> None:
    published = served.installation.publish(subject="Nightly", message="It failed", to=["a@b.example"])
    record = served.installation.wait_state(published.id, "delivered")
    assert (published.state, published.again) == ("queued", False)
    assert record.outcomes == ("delivered",)
    (mail,) = (mail for mail in served.mailbox.mails() if mail.notification_id == published.id)
    assert (mail.to, mail.subject) == ("a@b.example", "Nightly")
    assert mail.message_id == f"<{published.id}@notify.localdomain>"
    assert f"ID={published.number} ".encode() in mail.text


def test_300_published_at_once_arrive_once_each(served: Served) -> None:
    before = served.installation.final_count()
    ids = served.installation.publish_many(300)
    wait_until(lambda: served.installation.final_count() == before + 300, what="all being final")
    counts = served.mailbox.counts()
    assert {served.installation.record(each).state for each in ids} == {"delivered"}
    assert {counts[each] for each in ids} == {1}


def test_an_app_with_nothing_of_ours_submits_and_learns_id_and_number(served: Served) -> None:
    outcome = served.submit(kwargs={"notification": email(subject="from afar")})
    record = served.installation.wait_state(str(outcome["task"]), "delivered")
    assert outcome["answer"] == {"id": outcome["task"], "number": record.number}
    assert served.installation.runtime.redis.keys(f"*meta*{outcome['task']}*")
    assert served.mailbox.counts()[record.id] == 1


def test_the_answer_says_accepted_even_where_no_server_is_up(served: Served) -> None:
    served.mailbox.go_down()
    try:
        outcome = served.submit(kwargs={"notification": email(subject="patience")})
        record = served.installation.wait_state(str(outcome["task"]), "waiting")
    finally:
        served.mailbox.come_up()
    assert outcome["answer"] == {"id": record.id, "number": record.number}
    served.installation.runtime.ledger.cancel(record.id, by="test")


def test_a_submission_that_comes_twice_is_one_notification(served: Served) -> None:
    task_id = str(uuid.uuid4())
    call = {"kwargs": {"notification": email(subject="twice")}, "task_id": task_id}
    first, second = send_tasks(served.installation.server.url, [call, call], folder=served.folder)
    assert first["answer"] == second["answer"]
    served.installation.wait_state(task_id, "delivered")
    third = served.submit(**call)
    assert third["answer"] == first["answer"]
    assert served.mailbox.counts()[task_id] == 1


def test_a_task_id_that_is_no_uuid_still_gives_one_id(served: Served) -> None:
    call = {"kwargs": {"notification": email(subject="named")}, "task_id": "nightly-batch/7"}
    first, second = served.submit(**call), served.submit(**call)
    assert first["answer"] == second["answer"]
    assert isinstance(first["answer"], dict)
    served.installation.wait_state(first["answer"]["id"], "delivered")
    assert served.mailbox.counts()[first["answer"]["id"]] == 1


def test_an_id_of_the_sender_s_own_and_a_key_hold_over_submissions(served: Served) -> None:
    own, key = f"own-{uuid.uuid4()}", f"key-{uuid.uuid4()}"
    notification = email(subject="keyed", id=own, key=key)
    first = served.submit(kwargs={"notification": notification})
    second = served.submit(kwargs={"notification": {**notification, "id": None}})
    other = served.submit(kwargs={"notification": {**notification, "message": "other"}})
    record = served.installation.wait_state(own, "delivered")
    assert first["answer"] == second["answer"] == {"id": own, "number": record.number}
    assert other["error"] == "NotificationRefused"
    assert served.mailbox.counts()[own] == 1


def test_where_no_result_is_asked_for_none_is_kept(served: Served) -> None:
    outcome = served.submit(kwargs={"notification": email(subject="quiet")}, ignore_result=True)
    served.installation.wait_state(str(outcome["task"]), "delivered")
    assert not served.installation.runtime.redis.keys(f"*meta*{outcome['task']}*")


def test_two_installations_on_one_redis_keep_apart(served: Served, mailbox: Mailbox) -> None:
    folder = served.folder / "second"
    folder.mkdir()
    second = Installation(served.installation.server, folder, NOTIFY_PREFIX="second")
    second.configure(primary=mailbox)
    with second.worker("--hostname=second@%h"):
        published = second.publish()
        second.wait_state(published.id, "delivered")
    second.runtime.close()
    assert served.installation.queries.get(published.id) is None
    assert mailbox.counts() == {published.id: 1}
