"""`notify attachment`: whether a worker can fetch what is to go along with a mail."""

from __future__ import annotations

import sys

import click

from console.cli.attachment_test_view import running, test_lines
from console.cli.author import author, source
from console.cli.context import client, environment
from console.cli.errors import BadInput, Failed
from console.cli.flags import as_json
from console.cli.live_view import LiveView
from console.cli.output import say_json
from console.cli.screen import Screen
from console.cli.test_watch import watched
from console.cli.testing_store import testing_store
from console.presenting import attachment_test_json
from tasks.attachment_test import AttachmentTests, Draft
from tasks.bells import Bells
from tasks.live_test.errors import InvalidDraft, TestNotTaken
from tasks.notification_document import JOB_NUMBER_MAX


@click.group("attachment", no_args_is_help=True)
def attachment() -> None:
    """What goes along with a mail from shares, folders and the scheduler."""


_EXAMPLES = """\b
Examples:
  notify attachment test '\\\\files.corp.example\\reports\\payroll.log'
  notify attachment test /var/log/jobs/payroll.log
  notify attachment test --job-output 12345
"""


@attachment.command("test", epilog=_EXAMPLES)
@click.argument("path", metavar="PATH", required=False)
@click.option(
    "--job-output",
    type=click.IntRange(min=1, max=JOB_NUMBER_MAX),
    metavar="JOBNUMBER",
    help="Fetch the output of this job of the scheduler.",
)
@as_json
def test(*, path: str | None, job_output: int | None, as_json: bool) -> None:
    """Have a worker fetch a file step by step; exit code 1 if it cannot.

    It goes the way that it goes for a mail, with the account and the limits of
    the options as they hold now, signs in once, and says how far it came.
    Nothing is sent or kept. Tokens in PATH are not replaced.
    """
    if (path is None) == (job_output is None):
        raise BadInput(
            "one thing is tested: a path, or the output of a job",
            "`notify attachment test PATH` or `notify attachment test --job-output JOBNUMBER`",
        )
    found = environment()
    store = testing_store(found, with_keys=False)
    bells = Bells(found.broker_url, prefix=found.prefix)
    tests = AttachmentTests(client(found), store, bells, prefix=found.prefix)
    view = LiveView(Screen.of(sys.stdout), test_lines, running, quiet=as_json)
    try:
        test_id = tests.start(Draft(by=author(), path=path, job_output=job_output, source=source()))
        report = watched(tests, test_id, show=view.show)
    except InvalidDraft as fault:
        name, _, rest = str(fault).partition(": ")
        raise BadInput(f"{'PATH' if name == 'path' else f'--{name}'}: {rest}") from None
    except TestNotTaken as fault:
        raise Failed(str(fault), "`notify doctor` looks at broker and workers") from None
    if as_json:
        say_json(attachment_test_json.test(report))
    if report.error:
        raise Failed(report.error, "NOTIFY_KEY_FILE must name the key file that sealed it, for every worker")
    if not report.ok:
        raise Failed("a mail would go without it" if path else "a mail would go without some of it")
