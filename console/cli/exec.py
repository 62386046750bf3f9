"""`notify exec`: runs a job and tells where it fails; the job's own end is what counts."""

from __future__ import annotations

import contextlib
import socket
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from console.cli.cell_text import shown
from console.cli.context import client, environment
from console.cli.errors import BadInput, CommandError, Failed
from console.cli.faults import explained
from console.cli.job_notice import Telling, documents
from console.cli.job_run import JobEnd, JobRun
from console.cli.output import tell, warn
from console.cli.publishing import AlreadyAccepted, publish
from console.cli.recipients import recipients
from tasks.addresses import InvalidAddress, parse_address, split_addresses
from tasks.entries import checked
from tasks.notification import InvalidNotification

#: A Redis that restarts is back within these; the same id is never accepted twice.
_REPEAT_AFTER_SECONDS = (1.0, 3.0)
_JOB_MAX_CHARACTERS = 200
_EPILOG = """\b
Examples:
  notify exec --to ops@example.com -- /opt/jobs/payroll.sh --month 11
  notify exec --to @on-call.txt --on always --job backup -- backup.sh

The exit code is that of the job: 128 and the number where a signal ended
it, 127 and 126 where it could not be started. A wrong flag or address ends
with 2 before the job starts; nothing later keeps it from running.
"""


@click.command("exec", epilog=_EPILOG, context_settings={"allow_interspersed_args": False})
@click.option(
    "--to", multiple=True, metavar="ADDRESS", help="Who gets an e-mail; several parted by ;, or @FILE."
)
@click.option("--text-to", multiple=True, metavar="ADDRESS", help="Who gets a text; likewise.")
@click.option(
    "--on",
    "when",
    type=click.Choice(("failure", "success", "always")),
    default="failure",
    show_default=True,
    help="When to tell.",
)
@click.option("--subject", metavar="TEXT", help="The mail's subject, in place of job, end and machine.")
@click.option("--job", metavar="NAME", help="The job's name; that of the program unless told.")
@click.option(
    "--key", metavar="KEY", help="Idempotency key: one notification under it, however often it fails."
)
@click.option(
    "--tail-lines",
    type=click.IntRange(min=0),
    default=20,
    show_default=True,
    metavar="N",
    help="Lines of output in the mail; the attached file has the last MiB.",
)
@click.argument("command", nargs=-1, type=click.UNPROCESSED, metavar="-- COMMAND...")
def exec_(command: tuple[str, ...], **given: Any) -> None:
    """Run a job and tell where it fails, with its output, exit status and duration.

    Its streams pass through, signals go on to it. Arguments of the job are not told.
    """
    _check(command, given)
    ready = _fault_of_environment()
    if ready:
        warn(f"nobody can be told of this job: {ready}")
    run = JobRun(command)
    with run.signals_passed_on():
        end = run.run()
        if end.how.startswith("not started"):
            tell(f"error: {shown(command[0])}: {end.how}")
        if run.fault:
            warn(f"output of the job could not be passed on: {run.fault}")
        if given["when"] == "always" or end.failed is (given["when"] == "failure"):
            _tell_of(end, command, given)
    with contextlib.suppress(KeyboardInterrupt):
        run.pass_rest()
    raise click.exceptions.Exit(end.code)


def _check(command: tuple[str, ...], given: Mapping[str, Any]) -> None:
    """Refuse what is wrong on the command line itself; files are read when there is something to tell."""
    if not command:
        raise BadInput("the job is missing", "`notify exec --to ADDRESS -- COMMAND`")
    if not given["to"] and not given["text_to"]:
        raise BadInput("nobody to tell: --to is missing", "`notify exec --to ADDRESS -- COMMAND`")
    for flag in ("to", "text_to"):
        for word in given[flag]:
            if not word.startswith("@"):
                _check_addresses(f"--{flag.replace('_', '-')}", word)
    # The rest of the notification is checked as it will be, for a job that ended without a word.
    typed = {**given, "to": [word for word in given["to"] if not word.startswith("@")] or ["a@b"]}
    typed["text_to"] = [word for word in given["text_to"] if not word.startswith("@")]
    for document in documents(_telling(command, typed), JobEnd(0, "exit 0", 0.0, b"", 0)):
        try:
            checked(document)
        except InvalidNotification as fault:
            raise BadInput(str(fault).rstrip("."), "`notify exec --help` shows every flag") from None


def _check_addresses(flag: str, word: str) -> None:
    try:
        found = [parse_address(part) for part in split_addresses(word, ";,")]
    except InvalidAddress as fault:
        raise BadInput(f"{flag} {fault}", f"{flag} name@example.com") from None
    if not found:
        raise BadInput(f"{flag} holds no address", f"{flag} name@example.com")


def _telling(command: tuple[str, ...], given: Mapping[str, Any]) -> Telling:
    name = given["job"] or Path(command[0]).name or command[0]
    return Telling(
        job=name if given["job"] else shown(name)[:_JOB_MAX_CHARACTERS],
        machine=socket.gethostname(),
        email_to=recipients("--to", given["to"]),
        text_to=recipients("--text-to", given["text_to"]),
        subject=given["subject"],
        key=given["key"],
        tail_lines=given["tail_lines"],
    )


def _fault_of_environment() -> str:
    """Why nobody could be told, as far as it shows without asking Redis; a job's start waits for nothing."""
    try:
        client(environment()).close()
    except Exception as error:  # noqa: BLE001  # whatever it is, the job runs
        return _in_words(error)
    return ""


def _tell_of(end: JobEnd, command: tuple[str, ...], given: Mapping[str, Any]) -> None:
    """Have it accepted; what keeps it from that is told in one line, and never instead of the job's end."""
    try:
        said = documents(_telling(command, given), end)
    except Exception as error:  # noqa: BLE001  # the job's exit status wins over any of them
        _not_told("", end, error)
        return
    for document in said:
        try:
            answer = _accept({**document, "id": str(uuid.uuid4())})
        except Exception as error:  # noqa: BLE001  # as above, and the text goes out where the mail cannot
            _not_told(f" by {document['channel']}", end, error)
        else:
            # Of a job that went well cron should not have to write a mail.
            if end.failed:
                tell(answer)


def _not_told(how: str, end: JobEnd, error: Exception) -> None:
    tell(shown(f"error: NOBODY WAS TOLD{how} that the job ended with {end.how}: {_in_words(error)}"))


def _accept(document: Mapping[str, Any]) -> str:
    notification = checked(document)
    found = environment()
    for pause in (*_REPEAT_AFTER_SECONDS, None):
        connected = client(found)
        try:
            connected.ping()
            receipt = publish(found, connected, notification)
        except AlreadyAccepted:
            return "told before under the same --key; nothing new was recorded"
        except Exception as error:
            if pause is None or not isinstance(explained(error), Failed):
                raise
            time.sleep(pause)
        else:
            return f"told by {notification.channel}: ID={receipt.number} {receipt.state}  {receipt.id}"
        finally:
            connected.close()
    raise AssertionError


def _in_words(error: BaseException) -> str:
    if isinstance(error, InvalidNotification):
        return str(error).rstrip(".")
    fault: CommandError | None = explained(error)
    return fault.message if fault else type(error).__name__
