"""How a test of an attachment goes and what it found: what the command line shows, live and afterwards.

It holds paths, and nothing of what is in the files.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from tasks.live_test.report import LiveReport, StageOutcome

#: What is fetched; `none`: a path that leads nowhere a worker could go.
Kind = Literal["share", "local", "job_output", "none"]
#: In the order in which they come; see `tasks.attachments.steps`.
Stage = Literal[
    "path",
    "allowed",
    "resolve",
    "connect",
    "sign_in",
    "share",
    "open",
    "read",
    "token",
    "list",
    "output",
]


class StageReport(msgspec.Struct):
    """One step.

    Attributes:
        stage: Which.
        outcome: How it stands.
        place: Where: a host, an address, a share or a file; blank where that is not known yet.
        seconds: How long it took.
        tries: How often it was made: a locked file is asked for again, a job's output looked for.
        fault: Why it failed: a kind, as in `tasks.attachments.source.Fault`.
        reason: The same, in words.
        advice: What to do about it.
        facts: What was learned, by name: `bytes`, `mb_per_second`; `referred`, where DFS has it; `outputs`,
            how many a job has; `said`, an answer that was no answer yet.
    """

    stage: Stage
    outcome: StageOutcome = "waiting"
    place: str = ""
    seconds: float | None = None
    tries: int = 0
    fault: str | None = None
    reason: str | None = None
    advice: list[str] = []
    facts: dict[str, Any] = {}


class FileReport(msgspec.Struct):
    """One file as a mail would have it: a path is one, a job may have several.

    Attributes:
        name: Its name in the mail.
        ok: Whether it would go along, as far as it was fetched.
        bytes: Its size; 0 where it was not had.
        sent_bytes: The same as a mail carries it.
        charset: What it is declared as where it is text; blank where it is only bytes.
        fault: Why it was not had.
        reason: The same, in the words of the mail.
        remark: What the mail says of it though it goes along, or though there is none.
        left_out: Why an e-mail server would leave it out, by the server's name.
    """

    name: str
    ok: bool
    bytes: int = 0
    sent_bytes: int = 0
    charset: str = ""
    fault: str | None = None
    reason: str | None = None
    remark: str = ""
    left_out: dict[str, str] = {}


class AttachmentReport(LiveReport, kw_only=True):
    """A whole test.

    Attributes:
        asked: What was to be fetched.
        kind: What that is.
        stages: Each step that was made, and those that would come.
        files: What came of it.
    """

    asked: str
    kind: Kind = "none"
    stages: list[StageReport] = msgspec.field(default_factory=list)
    files: list[FileReport] = msgspec.field(default_factory=list)
