"""What stands before the message: the number first, then where the notification comes from.

The shape is that of the mails OpCon sends:

    ID=11355 Event Trigger=Job Failed | Schedule Date=2026-11-23 | Sched/Job Info=Night:Payroll:12345 |
    Machine Name=prod1 | Message=the text

(one line). Texts to a phone have the number alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from tasks.line_breaks import one_line
from tasks.notification_document import Notification


@dataclass(frozen=True, slots=True)
class TextOptions:
    """How an administrator wants messages to look.

    Attributes:
        labels: Whether each part of the prefix is named (`Machine Name=`); without, values stand alone.
        machine_name: Whether the prefix names the machine.
        delimiter: One character between the parts.
        job_number: Whether the job's internal number follows its name, which tells two runs apart.
        installation_name: The right side of every Message-ID.
    """

    labels: bool = True
    machine_name: bool = True
    delimiter: str = "|"
    job_number: bool = True
    installation_name: str = "notify"


def number_first(number: int) -> str:
    """The first characters of every message, by which people ask about it."""
    return f"ID={number} "


def lead(notification: Notification, options: TextOptions) -> str:
    """The prefix of an e-mail after the number: the parts that the context knows, `Message=` not included.

    Empty where the context knows nothing or the notification excludes it.
    """
    return _joined(_parts(notification, options), options)


def before_message(notification: Notification, options: TextOptions) -> str:
    """The prefix as it stands directly before the text of an e-mail; empty as `lead` is."""
    parts = _parts(notification, options)
    return _joined([*parts, ("Message", "")], options) if parts else ""


def _parts(notification: Notification, options: TextOptions) -> list[tuple[str, str]]:
    if notification.exclude_prefix:
        return []
    context = notification.context
    number = context.job_number if options.job_number else None
    job = ":".join(str(part) for part in (context.schedule, context.job, number) if part)
    parts = [
        ("Event Trigger", context.trigger),
        ("Status", context.status),
        ("Schedule Date", context.schedule_date),
        ("Sched/Job Info", job),
        ("Machine Name", context.machine if options.machine_name else None),
    ]
    return [(label, one_line(value)) for label, value in parts if value and one_line(value)]


def _joined(parts: list[tuple[str, str]], options: TextOptions) -> str:
    written = (f"{label}={value}" if options.labels else value for label, value in parts)
    return f" {options.delimiter} ".join(written)
