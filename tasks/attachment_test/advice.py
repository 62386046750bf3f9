"""What to do about a step that failed: a table from what happened to a sentence, first match wins.

Rows go from the particular to the general; {place} in a sentence is where the step was made.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tasks.attachment_test.report import Kind, Stage, StageReport
from tasks.attachments.source import Fault


@dataclass(frozen=True, slots=True)
class _Row:
    """What must hold for a sentence; what is left out holds always.

    Attributes:
        say: The sentence.
        stage: The step that failed.
        fault: How.
        words: A part of the reason.
        kind: What was fetched.
    """

    say: str
    stage: Stage | None = None
    fault: Fault | None = None
    words: str = ""
    kind: Kind | None = None


_TABLE: Final = (
    _Row("", words="the worker is being stopped"),
    _Row(
        r"write it as \\server\share\folder\file, or as an absolute path of the worker's machine such as "
        "/var/log/jobs/f.log; wildcards, `..`, drive letters and ports are in neither",
        "path",
    ),
    # The options.
    _Row("", "allowed", words="notify "),
    _Row(
        "name the folder that it leads to as well, or have the file itself in an allowed one",
        "allowed",
        words="it is a link",
    ),
    _Row(
        "add its folder: `notify options set 'local_files.folders=FOLDER;FOLDER' --reason TEXT`",
        "allowed",
        kind="local",
    ),
    _Row(
        "name it: `notify options set jors.api_address=https://HOST:9010/api --reason TEXT`",
        "allowed",
        kind="job_output",
    ),
    _Row(
        r"name the account: `notify options set 'general.unc_user=DOMAIN\user' general.unc_password=- "
        "--reason TEXT`",
        "allowed",
        Fault.DENIED,
    ),
    # The way to a file server.
    _Row(
        "check the spelling; on the worker's host `getent hosts {place}` must answer",
        "resolve",
        Fault.UNREACHABLE,
    ),
    _Row("the worker's name server is slow or away: `getent hosts {place}` there", "resolve"),
    _Row(
        "a firewall between the worker and {place} drops it, or the host is down; open TCP 445 for the "
        "worker's host",
        "connect",
        Fault.LATE,
    ),
    _Row(
        "nothing listens on TCP 445 there, or a firewall says no: does the host share files?",
        "connect",
        words="refuses",
    ),
    _Row(
        "there is no way from the worker's host to {place}: look at its routes and firewall",
        "connect",
        Fault.UNREACHABLE,
    ),
    _Row("SMB 1 is not spoken: the server must have SMB 2 or 3 enabled", "connect"),
    # The account.
    _Row("first mend what is said there, then `notify share retry`", words="is not tried before"),
    _Row("have it unlocked, then `notify share retry`", "sign_in", words="locked out"),
    _Row("have it enabled or renewed, then `notify share retry`", "sign_in", words="the account is disabled"),
    _Row("have it enabled or renewed, then `notify share retry`", "sign_in", words="the account has expired"),
    _Row(
        "give it a new password, then `notify options set general.unc_password=- --reason TEXT`",
        "sign_in",
        words="the account's password",
    ),
    _Row(
        "check general.unc_user, and enter the password anew: `notify options set general.unc_password=- "
        "--reason TEXT`. Tried once: accounts lock after a few",
        "sign_in",
        words="logon failure",
    ),
    _Row(
        "NTLM must be allowed for this account at the server: Kerberos is not spoken", "sign_in", words="NTLM"
    ),
    _Row(
        "grant it `Access this computer from the network` on that server, and look for it under `Deny access "
        "to this computer from the network`",
        "sign_in",
        words="from the network",
    ),
    _Row("the server's administrator sees the refused sign-in in its security log", "sign_in", Fault.DENIED),
    # Share and file.
    _Row(r"`net view \\HOST /all` on a Windows host lists the shares of a server", "share", Fault.MISSING),
    _Row(
        "grant the account Read in the permissions of the share {place}; those of its files come on top",
        "share",
        Fault.DENIED,
    ),
    _Row("name a file in it: folders are not sent", words="it is a folder"),
    _Row(
        "this worker looked on its own machine: every worker that serves notify.files must have the file",
        "open",
        Fault.MISSING,
        kind="local",
    ),
    _Row(
        "check the spelling, and whether the file is there before the notification is sent",
        "open",
        Fault.MISSING,
    ),
    _Row(
        "let the user that the worker runs as read the file, and enter each of its folders",
        "open",
        Fault.DENIED,
        kind="local",
    ),
    _Row(
        "grant the account Read in the permissions (Security) of the file and of its folders",
        "open",
        Fault.DENIED,
    ),
    _Row(
        "the program that has it open shares it with nobody; a mail waits attachments.patience_seconds for "
        "its end",
        fault=Fault.LOCKED,
    ),
    _Row("only regular files are sent", "open", words="not a regular file"),
    _Row("name the file by where the link leads", words="it is a link out of its share"),
    _Row("send it once whoever writes it is done", "read", Fault.CHANGED),
    # The scheduler.
    _Row(
        "general.jors_attachment_timeout is the time for all of it; the scheduler's own log says what it "
        "waits for",
        "list",
        Fault.LATE,
    ),
    _Row(
        "general.jors_attachment_timeout is the time for all of it; does the agent of the job's machine run?",
        "output",
        Fault.LATE,
    ),
    _Row(
        "enter user and password anew: `notify options set jors.api_user=USER jors.api_password=@FILE "
        "--reason TEXT`. Tried once: accounts lock after a few",
        "token",
        Fault.DENIED,
    ),
    _Row("is it the job's number in the scheduler, and is the job still there?", "list", Fault.MISSING),
    _Row(
        "the scheduler's user needs the right to see the job and its output", None, Fault.DENIED, "scheduler"
    ),
    _Row(
        "is jors.api_address right, and does the worker's host reach it? `curl -sS ADDRESS/version` there",
        fault=Fault.UNREACHABLE,
        kind="job_output",
    ),
    _Row("", kind="job_output"),
    # Everything else.
    _Row(
        "the host takes connections and does not answer: it may be overloaded; unc.timeout_seconds is how "
        "long it may take",
        fault=Fault.LATE,
        kind="share",
    ),
    _Row("the server's own log says more; a mail is tried again by itself", fault=Fault.UNREACHABLE),
    _Row("the log of the server, or of the worker's machine, says more"),
)


def advice(stage: StageReport, kind: Kind) -> list[str]:
    """What to do about a failure; nothing where its own words say that."""
    row = next(row for row in _TABLE if _fits(row, stage, kind))
    return [row.say.format(place=stage.place or "the host")] if row.say else []


def _fits(row: _Row, stage: StageReport, kind: Kind) -> bool:
    return (
        row.stage in {None, stage.stage}
        and (row.fault is None or row.fault.value == stage.fault)
        and row.words in (stage.reason or "")
        and row.kind in {None, kind}
    )
