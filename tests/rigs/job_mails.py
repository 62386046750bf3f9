"""Job output in mails, fetched look by look on a clock that a test moves."""

from __future__ import annotations

from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Final

from tests.rigs.delivery_bench import Bench
from tests.rigs.delivery_servers import Text

#: The outputs of the job 123, as its agents name them.
STDOUT: Final = r"C:\Out\123_stdout.txt"
STDERR: Final = "/var/jors/123.err"


def mail_of(text: Text) -> tuple[dict[str, str], str]:
    """The files of a mail, and its text."""
    mail = message_from_bytes(text.raw, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    body = mail.get_body(("plain",))
    assert body is not None
    files = {str(part.get_filename()): part.get_content() for part in mail.iter_attachments()}
    return files, body.get_content().replace("\r\n", "\n").strip()


def accept_jobs(bench: Bench, *jobs: int, **fields: object) -> None:
    bench.accept_email("a@x.test", attachments=[{"job_output": job} for job in jobs or (123,)], **fields)


def looks(bench: Bench, *, most: int = 100) -> int:
    """Look until the mail does not wait for output any more; how many looks that took."""
    for count in range(1, most):
        result = bench.again() if bench.state() == "waiting" else bench.deliver()
        if "output of job" not in result.reason:
            return count
    raise AssertionError("it waits for ever")
