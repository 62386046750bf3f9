"""Every option of how a message is written changes the next mail of a worker that runs on."""

from __future__ import annotations

import email
import email.policy

from settings_store.catalog import OWN_OPTIONS
from tests.rigs.installation import Installation
from tests.rigs.mailbox import Mailbox

CONTEXT = {
    "schedule_date": "2026-11-23",
    "schedule": "Night",
    "job": "Payroll",
    "job_number": 12345,
    "machine": "prod1",
    "trigger": "Job Failed",
    "status": "Failed",
}
#: What each option is set to, one on top of the other, and what the body of an e-mail then begins with.
STEPS = [
    (
        "text.labels",
        False,
        "Job Failed | Failed | 2026-11-23 | Night:Payroll:12345 | prod1 | It broke.",
    ),
    ("text.machine_name", False, "Job Failed | Failed | 2026-11-23 | Night:Payroll:12345 | It broke."),
    ("text.delimiter", "~", "Job Failed ~ Failed ~ 2026-11-23 ~ Night:Payroll:12345 ~ It broke."),
    ("text.job_number_in_job_name", False, "Job Failed ~ Failed ~ 2026-11-23 ~ Night:Payroll ~ It broke."),
    ("text.installation_name", "prod.example.com", ""),
]
DEFAULT = (
    "Event Trigger=Job Failed | Status=Failed | Schedule Date=2026-11-23 | "
    "Sched/Job Info=Night:Payroll:12345 | Machine Name=prod1 | Message=It broke."
)


def body(installation: Installation, mailbox: Mailbox, channel: str = "email") -> tuple[str, str]:
    """What the next mail of the worker says after its number, and its Message-ID's domain."""
    fields = {"channel": channel, "message": "It broke.", "context": CONTEXT}
    if channel == "text":
        fields["subject"] = ""
    accepted = installation.publish(**fields)
    installation.wait_state(accepted.id, "delivered")
    mail = next(mail for mail in mailbox.mails() if mail.notification_id == accepted.id)
    read = email.message_from_bytes(mail.text, policy=email.policy.default)
    content = read.get_content().strip()
    number = f"ID={accepted.number} "
    assert content.startswith(number), "the number comes first, whatever the options"
    return content.removeprefix(number), mail.message_id.strip("<>").partition("@")[2]


def test_each_text_option_changes_the_next_mail_and_no_text(
    installation: Installation, mailbox: Mailbox
) -> None:
    unseen = {"text.history_days"}
    assert {key for key, _, _ in STEPS} | unseen == {key for key in OWN_OPTIONS if key.startswith("text.")}, (
        "an option that nobody looks at here"
    )
    installation.configure(primary=mailbox)
    with installation.worker():
        assert body(installation, mailbox) == (DEFAULT, "notify.localdomain")
        plain = body(installation, mailbox, "text")
        shown, domain = DEFAULT, "notify.localdomain"
        for key, value, expected in STEPS:
            installation.runtime.store.change({key: value}, author="test")
            shown = expected or shown
            domain = str(value) if key == "text.installation_name" else domain
            assert body(installation, mailbox) == (shown, domain), key
        assert body(installation, mailbox, "text") == (plain[0], domain)
        installation.runtime.store.reset(["text"], author="test")
        assert body(installation, mailbox) == (DEFAULT, "notify.localdomain")
