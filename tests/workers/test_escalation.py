"""Three servers and a worker: both for e-mail down, the text goes by SMS, the e-mail arrives after all."""

from __future__ import annotations

from tests.rigs.installation import Installation
from tests.rigs.mailbox import open_mailbox
from tests.rigs.processes import wait_until

PHONE = "4915112345@sms.example"
PAST_THE_FIRST_GAP_SECONDS = 16
PAST_THE_SECOND_GAP_SECONDS = 300


def test_while_both_email_servers_are_down_the_text_goes_by_sms_and_the_email_arrives_when_they_are_back(
    installation: Installation,
) -> None:
    with open_mailbox() as primary, open_mailbox() as secondary, open_mailbox() as sms:
        installation.configure(primary=primary, secondary=secondary)
        installation.runtime.store.change(
            {"primary_sms.server_name": "127.0.0.1", "primary_sms.server_port": sms.port}, author="test"
        )
        primary.go_down()
        secondary.go_down()
        with installation.worker():
            published = installation.publish(
                subject="[[job]] failed", escalate_text_to=[PHONE], context={"job": "Payroll"}
            )
            installation.wait_state(published.id, "waiting")
            assert installation.queries.counts()["delivered"] == 0
            installation.server.advance(PAST_THE_FIRST_GAP_SECONDS)
            wait_until(lambda: sms.taken, what="the text being taken")
            (text,) = sms.mails()
            assert text.to == PHONE
            child = installation.wait_state(text.notification_id, "delivered")
            words = f"ID={child.number} Mail {published.number} undelivered: Payroll failed: Job failed"
            assert words.encode() in text.text
            assert child.outcomes == ("delivered",)
            assert (primary.taken, secondary.taken) == (0, 0)

            primary.come_up()
            installation.server.advance(PAST_THE_SECOND_GAP_SECONDS)
            installation.wait_state(published.id, "delivered")
    assert (primary.taken, secondary.taken, sms.taken) == (1, 0, 1)
    record = installation.record(published.id)
    (event,) = [entry for entry in record.timeline if entry["verdict"] == "escalated"]
    assert event["notification"] == child.id
    assert child.timeline[0]["notification"] == published.id
