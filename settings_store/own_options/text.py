"""How a message is written, and how long it can be looked up."""

from __future__ import annotations

from settings_store.kinds import Boolean, Choice, Domain, Integer
from settings_store.option import Option

DELIMITERS = ("~", "@", "!", "#", "$", "^", "|")

TITLE = "Text and history of notifications"

OPTIONS: tuple[Option, ...] = (
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
)
