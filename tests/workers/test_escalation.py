"""Three servers and a worker: both for e-mail down, the texts go by SMS, the e-mails arrive after all."""

from __future__ import annotations

from tests.rigs.installation import Installation
from tests.rigs.mailbox import open_mailbox
from tests.rigs.processes import wait_until

PHONE = "4915112345@sms.example"
ON_CALL = "4915199999@sms.example"
PAST_THE_FIRST_GAP_SECONDS = 16
PAST_THE_SECOND_GAP_SECONDS = 300


def test_while_both_email_servers_are_down_texts_go_by_sms_and_the_emails_arrive_when_they_are_back(
    installation: Installation,
) -> None:
    with open_mailbox() as primary, open_mailbox() as secondary, open_mailbox() as sms:
        installation.configure(primary=primary, secondary=secondary)
        installation.runtime.store.change(
            {
                "primary_sms.server_name": "127.0.0.1",
                "primary_sms.server_port": sms.port,
                "escalation.text_to": ON_CALL,
            },
            author="test",
        )
        primary.go_down()
        secondary.go_down()
        with installation.worker():
            # One names a phone itself, the other leaves it to the option's list.
            subject, context = "[[job]] failed", {"job": "Payroll"}
            named = installation.publish(subject=subject, context=context, escalate_text_to=[PHONE])
            listed = installation.publish(subject=subject, context=context)
            for published in (named, listed):
                installation.wait_state(published.id, "waiting")
            assert installation.queries.counts()["delivered"] == 0
            installation.server.advance(PAST_THE_FIRST_GAP_SECONDS)
            wait_until(lambda: sms.taken == 2, what="the texts being taken")
            texts = {text.to: text for text in sms.mails()}
            children = {}
            for phone, parent in ((PHONE, named), (ON_CALL, listed)):
                child = installation.wait_state(texts[phone].notification_id, "delivered")
                words = f"ID={child.number} Mail {parent.number} undelivered: Payroll failed: Job failed"
                assert words.encode() in texts[phone].text
                assert child.outcomes == ("delivered",)
                children[parent.id] = child
            assert (primary.taken, secondary.taken) == (0, 0)

            primary.come_up()
            installation.server.advance(PAST_THE_SECOND_GAP_SECONDS)
            for published in (named, listed):
                installation.wait_state(published.id, "delivered")
    assert (primary.taken, secondary.taken, sms.taken) == (2, 0, 2)
    for parent_id, child in children.items():
        (event,) = [e for e in installation.record(parent_id).timeline if e["verdict"] == "escalated"]
        assert event["notification"] == child.id
        assert child.timeline[0]["notification"] == parent_id
