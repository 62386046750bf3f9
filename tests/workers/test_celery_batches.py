"""Many notifications in one message: rows and ends as if each had come alone; a stop holds nobody back."""

from __future__ import annotations

from typing import Any

import pytest
from celery import Celery
from celery.worker import state as worker_state
from kombu.exceptions import OperationalError

from tasks import broker, celery_tasks
from tests.rigs.installation import ADDRESS, TEXT, Installation, Site
from tests.rigs.listening import listening_to_events
from tests.rigs.mailbox import Mailbox
from tests.rigs.processes import wait_until

#: Enough for batches of four.
MANY = 64


def rows(events: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """The events of tasks by the id of their row."""
    by_row: dict[str, list[dict[str, Any]]] = {}
    for event in list(events):
        if event["type"].startswith("task-"):
            by_row.setdefault(event["uuid"], []).append(event)
    return by_row


def ended(events: list[dict[str, Any]], kind: str) -> set[str]:
    return {event["uuid"] for event in list(events) if event["type"] == kind}


@pytest.mark.parametrize("pool", [(), ("--pool=prefork", "--concurrency=2")], ids=["threads", "prefork"])
def test_each_notification_has_a_row_and_the_message_none(
    installation: Installation, mailbox: Mailbox, pool: tuple[str, ...]
) -> None:
    installation.configure(primary=mailbox)
    ids = set(installation.publish_many(MANY, to=[ADDRESS], message=TEXT))
    assert installation.runtime.redis.llen("notify.normal") == MANY // 4
    with listening_to_events(installation.server.url) as events, installation.worker(*pool):
        wait_until(lambda: ended(events, "task-succeeded") >= ids, what="all rows being successes")
        mailbox.go_down()
        late = set(installation.publish_many(MANY, to=[ADDRESS], message=TEXT))
        wait_until(lambda: ended(events, "task-retried") >= late, what="all rows being retries")
    by_row = rows(events)
    assert by_row.keys() == ids | late
    for each in ids:
        assert [event["type"] for event in by_row[each]] == [
            "task-received",
            "task-started",
            "task-succeeded",
        ]
        received, _, succeeded = by_row[each]
        assert (received["name"], received["retries"]) == (broker.DELIVER_TASK, 0)
        assert succeeded["result"] == "'delivered'"
    for each in late:
        assert by_row[each][-1]["exception"].startswith("NotificationPostponed('waiting: primary_email: ")
    assert mailbox.counts() == dict.fromkeys(ids, 1)
    assert ADDRESS not in str(events)
    assert TEXT not in str(events)


def test_a_stop_in_the_middle_leaves_what_was_not_begun_to_the_next_worker(
    installation: Installation, mailbox: Mailbox
) -> None:
    installation.configure(primary=mailbox)
    mailbox.take_slowly(0.2)
    ids = installation.publish_many(MANY * 3)
    with installation.worker() as worker:
        wait_until(lambda: mailbox.taken >= 20, what="20 mails")
        worker.stop()
    counts = installation.queries.counts()
    assert counts["sending"] == 0
    assert counts["queued"] > 0
    # No bell is missing: nobody waits for one that is rung again.
    with installation.worker():
        wait_until(lambda: not installation.open_count(), seconds=25, what="everything being final")
    assert mailbox.counts() == dict.fromkeys(ids, 1)


def app_of(installation: Installation, events: list[tuple[str, dict[str, object]]]) -> Celery:
    app = Celery("test", set_as_current=False)
    celery_tasks.register(
        app, lambda: installation.runtime, lambda kind, **fields: events.append((kind, fields))
    )
    return app


def test_what_was_revoked_before_is_cancelled_and_shown_so(
    installation: Installation, mailbox: Mailbox
) -> None:
    installation.configure(primary=mailbox)
    ids = installation.publish_many(3)
    events: list[tuple[str, dict[str, object]]] = []
    worker_state.revoked.add(ids[1])
    try:
        result = app_of(installation, events).tasks[broker.DELIVER_MANY_TASK].apply(args=(ids,)).get()
    finally:
        worker_state.revoked.discard(ids[1])
    assert result == "2 of 2"
    assert [installation.record(each).state for each in ids] == ["delivered", "cancelled", "delivered"]
    assert [fields["uuid"] for kind, fields in events if kind == "task-revoked"] == [ids[1]]


def test_an_event_that_cannot_be_sent_fails_no_task(
    installation: Installation, mailbox: Mailbox, caplog: pytest.LogCaptureFixture
) -> None:
    installation.configure(primary=mailbox)
    ids = installation.publish_many(3)

    def lost(_kind: str, **_fields: object) -> None:
        raise OperationalError(f"{ADDRESS} {TEXT}")

    app = Celery("test", set_as_current=False)
    celery_tasks.register(app, lambda: installation.runtime, lost)
    worker_state.revoked.add(ids[1])
    try:
        assert app.tasks[broker.DELIVER_MANY_TASK].apply(args=(ids,)).get() == "2 of 2"
    finally:
        worker_state.revoked.discard(ids[1])
    assert [installation.record(each).state for each in ids] == ["delivered", "cancelled", "delivered"]
    assert "revoked_not_told" in caplog.text
    assert ADDRESS not in caplog.text


@pytest.mark.parametrize("ids", [None, [], "n1", ["n1", 5], {"to": ADDRESS}, [ADDRESS.encode()]])
def test_a_message_without_ids_is_refused(installation: Installation, ids: object) -> None:
    task = app_of(installation, []).tasks[broker.DELIVER_MANY_TASK]
    raised = task.apply(args=(ids,)).result
    assert isinstance(raised, celery_tasks.NotificationRefused)
    assert ADDRESS not in str(raised)


def test_what_is_left_for_want_of_time_is_rung_for_at_once(
    installation: Installation, mailbox: Mailbox
) -> None:
    installation.configure(primary=mailbox)
    # By a process of its own: the worker's has not looked how much waits in the queue.
    another = Site(installation.server.url, installation.folder)
    ids = another.publish_many(40)
    another.runtime.close()
    installation.runtime.redis.delete("notify.normal")
    installation.runtime.stopping.set()
    app = app_of(installation, [])
    task = app.tasks[broker.DELIVER_MANY_TASK]
    result = task.apply(args=(ids,), routing_key="notify.normal").get()
    assert result == "0 of 40"
    assert installation.runtime.redis.llen("notify.normal") == 20
