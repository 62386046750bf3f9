"""A sender may name its task as it likes; no log shows what could be an address, or two lines."""

from __future__ import annotations

import logging

import pytest

from tasks.task_id import fit_for_logs, notification_id_of
from tests.rigs.foreign_app import send_tasks
from tests.rigs.installation import ADDRESS, Installation
from tests.rigs.mailbox import Mailbox
from tests.rigs.notifications import email
from workers import quiet_logs

ODD = [f"alarm for {ADDRESS}", "first line\nsecond line of an id", "x" * 300]


@pytest.mark.parametrize("fit", ["nightly-7", "3b241101-e2bb-4255-8caf-4136c566a962", "a.b_C"])
def test_an_id_that_could_be_a_notification_s_is_shown_as_it_is(fit: str) -> None:
    assert fit_for_logs(fit) == fit


@pytest.mark.parametrize("odd", [*ODD, "", "a b", "ünïcode", ADDRESS])
def test_any_other_is_shown_as_the_notification_s(odd: str) -> None:
    assert fit_for_logs(odd) == notification_id_of(odd)
    assert fit_for_logs(notification_id_of(odd)) == notification_id_of(odd)


def test_a_record_by_position_loses_the_id_alone() -> None:
    args = ("notify.submit", ODD[0], "waiting: a reason; again at 2026-11-23 05:00:00 UTC")
    record = logging.LogRecord("celery.worker.request", logging.INFO, "x", 1, "%s[%s] retry: %s", args, None)
    assert quiet_logs.WithoutOddId().filter(record)
    assert record.getMessage() == f"notify.submit[{notification_id_of(ODD[0])}] retry: {args[2]}"


@pytest.mark.parametrize("level", ["INFO", "DEBUG"])
def test_no_log_of_a_worker_shows_an_odd_id(installation: Installation, mailbox: Mailbox, level: str) -> None:
    installation.configure(primary=mailbox)
    calls = [{"kwargs": {"notification": email(subject=str(i))}, "task_id": odd} for i, odd in enumerate(ODD)]
    calls.append({"kwargs": {"notification": {}}, "task_id": f"refused {ADDRESS}"})
    with installation.worker(f"--loglevel={level}") as worker:
        outcomes = send_tasks(installation.server.url, calls, folder=installation.folder)
        for outcome, odd in zip(outcomes, ODD, strict=False):
            assert outcome["answer"]["id"] == notification_id_of(odd)
            installation.wait_state(notification_id_of(odd), "delivered")
        assert outcomes[-1]["error"] == "NotificationRefused"
        log = worker.log()
    assert "Task notify.submit[" in log
    assert ADDRESS not in log
    assert "second line of an id" not in log
    assert "x" * 300 not in log
