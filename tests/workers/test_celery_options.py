"""A running worker uses an option as soon as it is saved, with no restart."""

from __future__ import annotations

from tests.rigs.installation import Installation
from tests.rigs.mailbox import Mailbox, open_mailbox
from tests.rigs.processes import wait_until


def test_a_saved_option_holds_for_the_next_server_that_is_tried(
    installation: Installation, mailbox: Mailbox
) -> None:
    with open_mailbox() as other, installation.worker() as worker:
        held = installation.publish()
        record = installation.wait_state(held.id, "held")
        assert record.reason == "Primary Email server name is blank"
        installation.configure(primary=mailbox)
        installation.wait_state(held.id, "delivered")
        installation.configure(primary=other)
        second = installation.publish()
        installation.wait_state(second.id, "delivered")
        assert (mailbox.counts(), other.counts()) == ({held.id: 1}, {second.id: 1})
        assert worker.process.poll() is None


def test_mail_goes_to_the_secondary_while_the_primary_is_down(
    installation: Installation, mailbox: Mailbox
) -> None:
    with open_mailbox() as secondary, installation.worker():
        installation.configure(primary=mailbox, secondary=secondary)
        mailbox.go_down()
        ids = installation.publish_many(5)
        wait_until(lambda: installation.queries.counts()["delivered"] == 5, what="all being delivered")
        assert secondary.counts() == dict.fromkeys(ids, 1)
        assert mailbox.taken == 0


def test_the_worker_s_sign_of_life_shows_and_names_the_revision(
    installation: Installation, mailbox: Mailbox
) -> None:
    installation.configure(primary=mailbox)
    with installation.worker("--hostname=one@%h"):
        client = installation.runtime.redis
        wait_until(lambda: client.keys("notify:worker:one@*"), what="the sign of life")
        (key,) = client.keys("notify:worker:one@*")
        assert '"revision":1,' in str(client.get(key))
    installation.server.advance(16)
    assert not client.keys("notify:worker:*")
