"""The flags of `notify send`, by the field of the notification that each fills."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

import click

from console.cli.flags import Seconds
from tasks.notification_document import JOB_NUMBER_MAX, LongText, Priority

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

#: Flags that say how to send; every other one is a part of the notification.
ABOUT_SENDING = frozenset({"from_json", "wait", "dry_run", "as_json"})

_many: Any = {"multiple": True, "metavar": "ADDRESS"}
_to = click.option(
    "--to", "to", help="Recipient; again for more, several in one parted by ;, or @FILE.", **_many
)
_message = click.option("--message", metavar="TEXT", help="The text; - or nothing reads it from a pipe.")

_EMAIL = (
    _to,
    click.option("--cc", help="Copy to.", **_many),
    click.option("--bcc", help="Hidden copy to.", **_many),
    click.option("--reply-to", help="Where answers go.", **_many),
    click.option("--subject", metavar="TEXT", help="The subject."),
    _message,
    click.option("--html", metavar="FILE", help="A page, shown in place of the text where a reader can."),
    click.option("--escalate-text-to", help="Who gets a text where the mail does not get through.", **_many),
    click.option("--attach", multiple=True, metavar="FILE", help="A file to send along; again for more."),
    click.option(
        "--attach-path",
        multiple=True,
        metavar="PATH",
        help="A file that a worker reads when it sends: \\\\server\\share\\file, or in an allowed folder.",
    ),
    click.option(
        "--job-output",
        type=click.IntRange(min=1, max=JOB_NUMBER_MAX),
        multiple=True,
        metavar="JOBNUMBER",
        help="The output of this job of the scheduler, fetched when the mail is sent; again for more.",
    ),
    click.option("--strict", is_flag=True, help="Wait for every file rather than send without one."),
)
_TEXT = (
    _to,
    _message,
    click.option(
        "--long-text",
        type=click.Choice(get_args(LongText)),
        help="What to do with a text too long for one message; cut unless told.",
    ),
)
_BOTH = (
    click.option("--priority", type=click.Choice(get_args(Priority)), help="normal unless told."),
    click.option("--id", "id", metavar="ID", help="Your own id; the same id is accepted once."),
    click.option("--key", metavar="KEY", help="Idempotency key; the same key is accepted once."),
    click.option("--not-before", metavar="TIME", help="Send at this time or in 2h, not before."),
    click.option("--expires", metavar="TIME", help="Send until this time or for 2h, not after."),
    click.option("--schedule-date", metavar="TEXT", help="For the prefix and tokens: schedule date."),
    click.option("--schedule", metavar="TEXT", help="... schedule."),
    click.option("--job", metavar="TEXT", help="... job."),
    click.option("--job-number", metavar="TEXT", help="... job number."),
    click.option("--machine", metavar="TEXT", help="... machine."),
    click.option("--trigger", metavar="TEXT", help="... event that triggered this."),
    click.option("--status", metavar="TEXT", help="... status of the job."),
    click.option(
        "--property", "properties", multiple=True, metavar="NAME=VALUE", help="What [[NAME]] becomes."
    ),
    click.option("--exclude-prefix", is_flag=True, help="Leave the prefix away; the number stays."),
    click.option("--from-json", metavar="FILE", help="The whole notification as JSON; - reads a pipe."),
    click.option(
        "--wait",
        type=Seconds(min=0),
        metavar="SECONDS",
        help="Wait for the end: exit 0 delivered, 1 failed, 5 still open.",
    ),
)


def _all(*flags: Decorator) -> Decorator:
    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        for flag in reversed(flags):
            command = flag(command)
        return command

    return add


email_flags = _all(*_EMAIL, *_BOTH)
text_flags = _all(*_TEXT, *_BOTH)
