"""The options we add to the page's 43, in groups of their own."""

from __future__ import annotations

from collections.abc import Mapping

from settings_store.kinds import Boolean, Choice, Domain, Integer, Text
from settings_store.option import Option

DELIMITERS = ("~", "@", "!", "#", "$", "^", "|")

OWN_GROUPS: Mapping[str, str] = {
    "mirror": "Same as primary",
    "text": "Text and history of notifications",
    "delivery": "Delivery",
    "timeouts": "Time-outs",
    "tls": "Certificates",
}

OWN: tuple[Option, ...] = (
    Option(
        "mirror.email",
        "Same as primary SMTP settings (Email)",
        Boolean(),
        default=False,
        help="While on, Secondary Email is Primary Email in every option, secrets and blanks included. "
        "What was set for Secondary Email itself comes back when it is turned off.",
    ),
    Option(
        "mirror.sms",
        "Same as primary SMTP settings (SMS)",
        Boolean(),
        default=False,
        help="While on, Secondary SMS is Primary SMS in every option, secrets and blanks included. "
        "What was set for Secondary SMS itself comes back when it is turned off.",
    ),
    Option(
        "text.labels",
        "Include labels",
        Boolean(),
        default=True,
        help="Write what each part of an e-mail's prefix is (Schedule, Job and so on) before the part.",
    ),
    Option(
        "text.machine_name",
        "Include machine name",
        Boolean(),
        default=True,
        help="Name the machine in an e-mail's prefix.",
    ),
    Option(
        "text.delimiter",
        "Delimiter",
        Choice(DELIMITERS),
        "|",
        "The character between the parts of an e-mail's prefix.",
    ),
    Option(
        "text.job_number_in_job_name",
        "Job number in job name",
        Boolean(),
        default=True,
        help="Write the job's number behind its name in an e-mail's prefix.",
    ),
    Option(
        "text.history_days",
        "History (days)",
        Integer(1, 365, "days"),
        14,
        "How long a finished notification can be looked up before it is forgotten.",
    ),
    Option(
        "text.installation_name",
        "Installation name",
        Domain(),
        "notify.localdomain",
        "What stands after the @ in every Message-ID. Give each installation its own, in a domain of yours: "
        "mail servers tell two mails apart by it.",
    ),
    Option(
        "delivery.email_age_limit_hours",
        "Age limit of an e-mail",
        Integer(1, 168, "hours"),
        24,
        "How long an e-mail is tried, from the moment it was accepted. After that it is expired, "
        "and waits in the list of the undelivered for a person.",
    ),
    Option(
        "delivery.text_age_limit_hours",
        "Age limit of a text",
        Integer(1, 168, "hours"),
        4,
        "The same for a text.",
    ),
    Option(
        "delivery.resend_uncertain_text",
        "Resend an uncertain text once",
        Boolean(),
        default=False,
        help="A text is uncertain when the server's last reply was lost: it may have gone out or not. "
        "True sends it once more and risks a second copy; False leaves it to a person.",
    ),
    Option(
        "timeouts.connect_seconds",
        "Connect",
        Integer(1, 60, "seconds"),
        10,
        "How long a server may take to accept a connection and to agree on TLS.",
    ),
    Option(
        "timeouts.command_reply_seconds",
        "Reply to a command",
        Integer(5, 300, "seconds"),
        30,
        "How long a server may take for its greeting and for the reply to a command.",
    ),
    Option(
        "timeouts.data_start_seconds",
        "Start of data",
        Integer(5, 300, "seconds"),
        60,
        "How long a server may take to ask for the mail's text after DATA.",
    ),
    Option(
        "timeouts.final_reply_seconds",
        "Final reply",
        Integer(30, 600, "seconds"),
        300,
        "How long a server may take to take a mail over once it has all of it. "
        "Too short, and mails that did arrive are shown as uncertain; RFC 5321 names ten minutes.",
    ),
    Option(
        "tls.ca_bundle",
        "CA bundle",
        Text(),
        "",
        "File with the certificates (PEM) of the authorities that servers are checked against, "
        "the same path on every worker. Blank: those of the operating system.",
    ),
)
