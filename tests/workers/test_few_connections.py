"""Few connections for many slots are kept busy in few passes, and nobody waits for workers that died."""

from __future__ import annotations

import uuid

from celery import Celery

from tests.rigs.installation import Installation
from tests.rigs.listening import listening_to_events
from tests.rigs.mailbox import Mailbox
from tests.rigs.notifications import email
from tests.rigs.processes import wait_until

CONNECTIONS = 2
MAILS = 48
REPLY_SECONDS = 0.03
#: One that finds no connection, and one that is called; a few are called by the sweep, in vain.
MOST_PASSES = 3.0


def allow(installation: Installation, connections: int) -> None:
    installation.runtime.store.change({"limits.primary_email_connections": connections}, author="test")


def places_taken(installation: Installation) -> int:
    """Connections that are counted now, by living workers or dead ones."""
    client = installation.runtime.redis
    return sum(int(client.zcard(key)) for key in client.scan_iter("notify:limit:*:slots"))


def passes(installation: Installation) -> int:
    return (installation.folder / "worker.log").read_text(encoding="utf-8").count("event=pass_ended ")


def test_all_go_over_few_connections_that_are_opened_once_in_few_passes_with_a_row_each(
    installation: Installation, mailbox: Mailbox
) -> None:
    installation.configure(primary=mailbox)
    allow(installation, CONNECTIONS)
    mailbox.take_slowly(REPLY_SECONDS)
    singly = [installation.publish().id for _ in range(MAILS // 2)]
    ids = [*singly, *installation.publish_many(MAILS - len(singly))]
    with (
        listening_to_events(installation.server.url) as events,
        installation.worker("-n", "w1@%h"),
        installation.worker("-n", "w2@%h"),
    ):
        wait_until(
            lambda: {each["uuid"] for each in list(events) if each["type"] == "task-succeeded"} >= set(ids),
            seconds=120,
            what="all rows being successes",
        )
    assert mailbox.counts() == dict.fromkeys(ids, 1)
    assert mailbox.most_connections_at_once <= CONNECTIONS
    assert mailbox.connections <= CONNECTIONS * 3
    assert passes(installation) <= MAILS * MOST_PASSES
    assert places_taken(installation) == 0, "whoever ends gives them back"


def test_what_is_linked_to_a_submission_begins_although_its_slot_goes_on_with_others(
    installation: Installation, mailbox: Mailbox
) -> None:
    installation.configure(primary=mailbox)
    allow(installation, 1)
    mailbox.take_slowly(REPLY_SECONDS)
    ids = installation.publish_many(MAILS // 2)
    sender = Celery("sender", broker=installation.server.url, set_as_current=False)
    urgent = {"kwargs": {"notification": email(priority="high")}, "queue": "notify.high"}
    with installation.worker():
        wait_until(mailbox.counts, what="the first one")
        linked = sender.signature("notify.submit", immutable=True, task_id=str(uuid.uuid4()), **urgent)
        first = sender.send_task("notify.submit", link=linked, **urgent).id
        wait_until(lambda: installation.final_count() == len(ids) + 2, seconds=60, what="all being final")
    assert mailbox.counts() == dict.fromkeys([first, linked.options["task_id"], *ids], 1)


def test_children_with_a_slot_each_carry_all_over_few_connections(
    installation: Installation, mailbox: Mailbox
) -> None:
    installation.configure(primary=mailbox)
    allow(installation, CONNECTIONS)
    ids = [installation.publish().id for _ in range(MAILS)]
    with installation.worker("--pool=prefork", "--concurrency=4"):
        wait_until(lambda: installation.final_count() == MAILS, seconds=120, what="all being final")
    assert mailbox.counts() == dict.fromkeys(ids, 1)
    assert mailbox.most_connections_at_once <= CONNECTIONS
    assert places_taken(installation) == 0, "whoever ends gives them back"


def test_a_worker_that_died_with_the_only_connection_keeps_nobody_from_the_next(
    installation: Installation, mailbox: Mailbox
) -> None:
    installation.configure(primary=mailbox)
    allow(installation, 1)
    with installation.worker("-n", "dead@%h") as dead:
        first = installation.publish().id
        installation.wait_state(first, "delivered")
        dead.kill()
    ids = installation.publish_many(8)
    with installation.worker("-n", "alive@%h"):
        wait_until(
            lambda: installation.queries.counts()["waiting"] == len(ids), what="all waiting for a connection"
        )
        installation.server.advance(30)
        wait_until(lambda: installation.final_count() == 1 + len(ids), seconds=60, what="all being final")
    assert mailbox.counts() == dict.fromkeys([first, *ids], 1)
