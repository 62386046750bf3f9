"""The broker loses messages: the ledger rings again, and everything is delivered once."""

from __future__ import annotations

from tasks.bells import messages_for
from tests.rigs.installation import Installation
from tests.rigs.mailbox import Mailbox
from tests.rigs.processes import wait_until

PAST_THE_RING_SECONDS = 31.0


def forget(installation: Installation) -> int:
    """Delete every key of the broker and none of the ledger; how many that were."""
    client = installation.runtime.redis
    keys = [key for key in client.keys("*") if not str(key).startswith("notify:")]
    return int(client.delete(*keys))


def test_a_broker_that_forgets_everything_loses_no_notification(
    installation: Installation, mailbox: Mailbox
) -> None:
    installation.configure(primary=mailbox)
    ids = installation.publish_many(50)
    assert installation.runtime.redis.llen("notify.normal") == messages_for(50, "normal")
    assert forget(installation) > 0
    with installation.worker():
        assert installation.queries.counts()["queued"] == 50
        installation.server.advance(PAST_THE_RING_SECONDS)
        wait_until(lambda: not installation.open_count(), what="everything being final")
    assert mailbox.counts() == dict.fromkeys(ids, 1)
    assert installation.queries.counts()["delivered"] == 50


def test_a_broker_that_forgets_under_a_running_worker_is_used_on(
    installation: Installation, mailbox: Mailbox
) -> None:
    installation.configure(primary=mailbox)
    with installation.worker():
        first = installation.publish()
        installation.wait_state(first.id, "delivered")
        assert forget(installation) > 0
        second = installation.publish()
        installation.wait_state(second.id, "delivered")


def test_one_message_that_the_broker_lost_is_rung_again(installation: Installation, mailbox: Mailbox) -> None:
    installation.configure(primary=mailbox)
    lost, kept = installation.publish(), installation.publish()
    assert installation.runtime.redis.rpop("notify.normal") is not None
    with installation.worker():
        installation.wait_state(kept.id, "delivered")
        assert installation.record(lost.id).state == "queued"
        installation.server.advance(PAST_THE_RING_SECONDS)
        installation.wait_state(lost.id, "delivered")
    assert mailbox.counts() == {lost.id: 1, kept.id: 1}


def test_a_message_that_comes_twice_is_one_mail(installation: Installation, mailbox: Mailbox) -> None:
    installation.configure(primary=mailbox)
    published = installation.publish()
    client = installation.runtime.redis
    (message,) = client.lrange("notify.normal", 0, -1)
    client.lpush("notify.normal", message, message)
    with installation.worker() as worker:
        wait_until(
            lambda: worker.log().count(f"[{published.id}] received") == 3, what="all three being taken"
        )
        installation.wait_state(published.id, "delivered")
    assert mailbox.counts() == {published.id: 1}
