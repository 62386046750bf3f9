"""Flower tells the truth: seen through its own API, with a real worker, Redis and mail server behind it."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from celery import Celery

from tests.rigs.flower import Flower, running_flower
from tests.rigs.foreign_app import send_tasks
from tests.rigs.installation import Installation, running_installation
from tests.rigs.mailbox import Mailbox, open_mailbox
from tests.rigs.notifications import email
from tests.rigs.processes import wait_until
from tests.rigs.scripted_smtp import Later
from tests.rigs.worker import Worker

PAST_THE_FIRST_GAP_SECONDS = 16.0


@dataclass
class Watched:
    """An installation with a worker and Flower beside it."""

    installation: Installation
    mailbox: Mailbox
    flower: Flower
    worker: Worker
    folder: Path


def wait_for_worker(installation: Installation, flower: Flower) -> None:
    """Until Flower shows it, and it hears commands: what is broadcast before that is lost."""
    wait_until(lambda: "celery@" in flower.ask("/workers?json=1")[1], what="Flower seeing the worker")
    with Celery(broker=installation.server.url) as sender:
        wait_until(lambda: sender.control.ping(timeout=1), what="the worker hearing commands")


@pytest.fixture(scope="module")
def watching(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    folder = tmp_path_factory.mktemp("watched")
    with (
        open_mailbox() as mailbox,
        running_installation(folder) as installation,
        running_flower(installation.environ, folder / "flower.log") as flower,
        installation.worker() as worker,
    ):
        wait_for_worker(installation, flower)
        yield Watched(installation, mailbox, flower, worker, folder)


@pytest.fixture
def watched(watching: Watched) -> Watched:
    """As at the start: the server up, and configured."""
    watching.mailbox.come_up()
    watching.installation.configure(primary=watching.mailbox)
    return watching


def test_nobody_who_is_not_signed_in_sees_a_row(watched: Watched) -> None:
    for password in (None, "wrong"):
        for path in ("/api/tasks", "/api/workers", "/tasks", f"/api/task/info/{uuid.uuid4()}"):
            assert watched.flower.ask(path, password=password)[0] == 401, path


def test_what_is_delivered_at_once_is_a_success(watched: Watched) -> None:
    published = watched.installation.publish()
    row = watched.flower.wait_task(published.id, "SUCCESS")
    assert (row["name"], row["retries"], row["result"]) == ("notify.deliver", 0, "'delivered'")


def test_one_row_shows_the_retries_with_their_reason_and_then_the_success(watched: Watched) -> None:
    watched.mailbox.go_down()
    published = watched.installation.publish(subject="patience")
    row = watched.flower.wait_task(published.id, "RETRY")
    assert row["exception"].startswith(
        "NotificationPostponed('waiting: primary_email: the connection was lost [primary_email greeting]; "
        "again at "
    )
    assert row["retries"] == 0
    watched.installation.server.advance(PAST_THE_FIRST_GAP_SECONDS)
    wait_until(lambda: watched.flower.task(published.id)["retries"] == 1, what="the second pass showing")
    watched.flower.wait_task(published.id, "RETRY")
    watched.mailbox.come_up()
    watched.installation.server.advance(PAST_THE_FIRST_GAP_SECONDS * 3)
    row = watched.flower.wait_task(published.id, "SUCCESS")
    assert row["retries"] == 2
    assert list(watched.flower.tasks()).count(published.id) == 1


def test_what_every_server_refuses_is_a_failure_with_stage_and_code(watched: Watched) -> None:
    watched.mailbox.answer("RCPT", "550 5.1.1 <ops@example.com> is unknown")
    published = watched.installation.publish()
    row = watched.flower.wait_task(published.id, "FAILURE")
    assert row["exception"].startswith("NotificationFailed('failed: primary_email: ")
    assert row["exception"].endswith(" [primary_email rcpt 550 5.1.1]')")
    assert "ops@example.com" not in str(row)


def test_what_is_held_says_why_until_an_option_is_saved(watched: Watched) -> None:
    watched.installation.configure(primary=None)
    published = watched.installation.publish()
    row = watched.flower.wait_task(published.id, "RETRY")
    assert row["exception"] == "NotificationPostponed('held: Primary Email server name is blank')"
    watched.installation.configure(primary=watched.mailbox)
    watched.flower.wait_task(published.id, "SUCCESS")


def test_what_expired_while_it_waited_is_a_failure(watched: Watched) -> None:
    watched.mailbox.go_down()
    published = watched.installation.publish()
    watched.flower.wait_task(published.id, "RETRY")
    watched.installation.server.advance(25 * 3600)
    row = watched.flower.wait_task(published.id, "FAILURE")
    assert row["exception"] == (
        "NotificationFailed('expired: primary_email: the connection was lost [primary_email greeting]')"
    )


def test_a_submission_that_is_not_allowed_is_a_failure_that_names_field_and_fault(watched: Watched) -> None:
    (outcome,) = send_tasks(
        watched.installation.server.url,
        [{"kwargs": {"notification": {**email(), "to": ["not-an-address"]}}}],
        folder=watched.folder,
    )
    row = watched.flower.wait_task(outcome["task"], "FAILURE")
    assert row["exception"].startswith("NotificationRefused('to")
    assert outcome["error"] == "NotificationRefused"
    assert "not-an-address" not in str(row) + str(outcome["says"])


def test_a_submission_is_one_row_over_all_its_passes(watched: Watched) -> None:
    watched.mailbox.go_down()
    (outcome,) = send_tasks(
        watched.installation.server.url, [{"kwargs": {"notification": email()}}], folder=watched.folder
    )
    watched.flower.wait_task(outcome["task"], "RETRY")
    watched.mailbox.come_up()
    watched.installation.server.advance(PAST_THE_FIRST_GAP_SECONDS)
    row = watched.flower.wait_task(outcome["task"], "SUCCESS")
    assert row["retries"] == 1


def test_revoking_one_that_waits_cancels_it(watched: Watched) -> None:
    watched.mailbox.go_down()
    published = watched.installation.publish()
    watched.flower.wait_task(published.id, "RETRY")
    watched.flower.revoke(published.id)
    record = watched.installation.wait_state(published.id, "cancelled")
    assert record.reason == "cancelled by revoke"
    watched.flower.wait_task(published.id, "REVOKED")


def test_revoking_what_is_queued_cancels_it(tmp_path: Path) -> None:
    go_on = threading.Event()
    with (
        open_mailbox() as mailbox,
        running_installation(tmp_path) as installation,
        running_flower(installation.environ, tmp_path / "flower.log") as flower,
    ):
        installation.configure(primary=mailbox)
        mailbox.answer("RCPT", Later(go_on, "250 2.1.5 ok"))
        with installation.worker("--concurrency=1"):
            wait_for_worker(installation, flower)
            # One is being sent, the worker has the next one in its hand, and the broker has the third.
            sent, in_hand, in_broker = (installation.publish().id for _ in range(3))
            flower.wait_task(sent, "STARTED")
            flower.wait_task(in_hand, "RECEIVED")
            assert flower.task(in_broker) == {}
            for each in (in_hand, in_broker):
                flower.revoke(each)
                installation.wait_state(each, "cancelled")
            go_on.set()
            flower.wait_task(sent, "SUCCESS")
            flower.wait_task(in_broker, "REVOKED")
            # Celery asks no more whether one is revoked that its pool has; the ledger is asked, and says so.
            assert flower.wait_task(in_hand, "SUCCESS")["result"] == "'cancelled'"
        assert set(mailbox.counts()) == {sent}


def test_revoking_one_that_is_being_sent_stops_it_before_its_text(watched: Watched) -> None:
    go_on = threading.Event()
    watched.mailbox.answer("RCPT", Later(go_on, "250 2.1.5 ok"))
    published = watched.installation.publish()
    watched.flower.wait_task(published.id, "STARTED")
    watched.flower.revoke(published.id)
    watched.worker.wait_logged(f"revoked notification={published.id} result=asked")
    go_on.set()
    watched.installation.wait_state(published.id, "cancelled")
    assert published.id not in watched.mailbox.counts()


def test_revoking_an_id_before_it_is_published_cancels_it_too(watched: Watched) -> None:
    notification_id = str(uuid.uuid4())
    watched.flower.revoke(notification_id)
    watched.worker.wait_logged(f"revoked notification={notification_id} result=unknown")
    watched.installation.publish(id=notification_id)
    watched.installation.wait_state(notification_id, "cancelled")
