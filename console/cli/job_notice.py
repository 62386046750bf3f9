"""What is said of a job that ended: pure, from its end to the documents of an e-mail and a text."""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import dataclass
from typing import Any

from console.cli.job_run import KEPT_BYTES, JobEnd
from console.presenting.relative_time import duration

#: The lines in the mail itself are for a glance; the file beside it has more.
LINES_MAX_CHARACTERS = 20_000

_ESCAPE_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_NO_FILE_NAME = re.compile(r"[^\w.+-]+")


@dataclass(frozen=True, slots=True)
class Telling:
    """Whom to tell, and as what.

    Attributes:
        job: The job's name.
        machine: Where it ran.
        email_to: Addresses in one string; blank for no e-mail.
        text_to: The same for a text.
        subject: In place of ours, where given.
        key: The idempotency key, where given.
        tail_lines: So many lines of the output stand in the mail itself.
    """

    job: str
    machine: str
    email_to: str = ""
    text_to: str = ""
    subject: str | None = None
    key: str | None = None
    tail_lines: int = 20


def documents(telling: Telling, end: JobEnd) -> list[dict[str, Any]]:
    """The notifications to send, each as JSON v1: an e-mail, a text, or both."""
    result = "failed" if end.failed else "succeeded"
    took = duration(end.seconds * 1000)
    line = f"Job {telling.job} {result} on {telling.machine}: {end.how} after {took}"
    shared = {
        "version": 1,
        "context": {
            "job": telling.job,
            "machine": telling.machine,
            "trigger": f"Job {result}",
            "status": end.how,
        },
    }
    made: list[dict[str, Any]] = []
    if telling.email_to:
        made.append(
            shared
            | {
                "channel": "email",
                "to": telling.email_to,
                "subject": telling.subject or f"Job {telling.job} {result} on {telling.machine} ({end.how})",
                "message": "\n".join((line, *_about_output(end, telling.tail_lines))) + "\n",
                "attachments": _attached(telling.job, end),
            }
        )
    if telling.text_to:
        made.append(shared | {"channel": "text", "to": telling.text_to, "message": line})
    for document in made:
        if telling.key:
            # Two notifications cannot share one key.
            document["key"] = f"{telling.key}:text" if document["channel"] == "text" else telling.key
    return made


def _about_output(end: JobEnd, lines: int) -> list[str]:
    if not end.output_bytes:
        return ["", "It wrote nothing."]
    about = f"It wrote {end.output_bytes:,} bytes; they are attached."
    if end.output_bytes > len(end.output):
        about = f"It wrote {end.output_bytes:,} bytes; the last {len(end.output):,} are attached."
    every = _plain(end.output)
    last = every[-lines:] if lines else []
    if not last:
        return ["", about]
    text = "\n".join(last)
    cut = len(text) > LINES_MAX_CHARACTERS
    shown = len(last) < len(every) or end.output_bytes > len(end.output) or cut
    heading = f"The last {len(last):,} lines:" if shown and len(last) > 1 else "Output:"
    if cut:
        heading = f"The last {LINES_MAX_CHARACTERS:,} characters:"
    return ["", about, heading, "", text[-LINES_MAX_CHARACTERS:]]


def _plain(output: bytes) -> list[str]:
    """The lines without colours and other words to a terminal; of a line written over, what it last was."""
    text = _ESCAPE_SEQUENCE.sub("", output.decode("utf-8", "replace")).replace("\r\n", "\n")
    lines = [line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n")]
    while lines and not lines[-1].strip():
        lines.pop()
    return [_CONTROL.sub("", line) for line in lines]


def _attached(job: str, end: JobEnd) -> list[dict[str, str]]:
    if not end.output:
        return []
    name = _NO_FILE_NAME.sub("-", job).strip(".-")[:100] or "job"
    return [{"name": f"{name}.log", "content_base64": b64encode(end.output[-KEPT_BYTES:]).decode()}]
