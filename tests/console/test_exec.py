"""`notify exec`: the job is run as if we were not there, and told of where it fails."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import redis

from console.cli.job_notice import LINES_MAX_CHARACTERS, Telling, documents
from console.cli.job_run import KEPT_BYTES, JobEnd
from tasks.entries import checked
from tasks.ledger import LedgerQueries
from tests.rigs.command_line import PROJECT, CommandLine
from tests.rigs.processes import free_port, wait_until

TO = ("exec", "--to", "ops@example.com")


@pytest.fixture
def queries(redis_server: redis.Redis) -> LedgerQueries:
    return LedgerQueries(redis_server)


def told_of(queries: LedgerQueries, number: int = 1) -> Any:
    """The notification of this number."""
    record = queries.find(str(number))
    assert record is not None
    return json.loads(record.content)


def attached(document: Any) -> bytes:
    """The content of its one file."""
    (file,) = document["attachments"]
    return base64.b64decode(file["content_base64"])


def test_a_job_that_fails_is_told_with_status_output_and_machine(
    notify: CommandLine, queries: LedgerQueries
) -> None:
    done = notify.process(*TO, "--job", "payroll", "--", "sh", "-c", "echo step 3; echo bad >&2; exit 8")
    assert (done.code, done.out) == (8, "step 3\n")
    first, second = done.err.splitlines()
    assert first == "bad"
    assert second.startswith("told by email: ID=1 queued  ")
    document = told_of(queries)
    machine = document["context"].pop("machine")
    assert document["to"] == ["ops@example.com"]
    assert document["subject"] == f"Job payroll failed on {machine} (exit 8)"
    assert document["context"] == {"job": "payroll", "trigger": "Job failed", "status": "exit 8"}
    assert document["message"].startswith(f"Job payroll failed on {machine}: exit 8 after ")
    assert "step 3" in document["message"]
    assert document["attachments"][0]["name"] == "payroll.log"
    assert sorted(attached(document).splitlines()) == [b"bad", b"step 3"]


@pytest.mark.parametrize(
    "when, code, notifications",
    [
        ((), 0, 0), ((), 1, 1),
        (("--on", "failure"), 0, 0), (("--on", "success"), 0, 1), (("--on", "success"), 1, 0),
        (("--on", "always"), 0, 1), (("--on", "always"), 1, 1),
    ],
)  # fmt: skip
def test_it_tells_when_it_is_asked_to(
    notify: CommandLine, queries: LedgerQueries, when: tuple[str, ...], code: int, notifications: int
) -> None:
    done = notify.process(*TO, *when, "--", "sh", "-c", f"exit {code}")
    assert done.code == code
    assert queries.page().total == notifications
    assert bool(done.err) is (notifications > 0 and code != 0)


def test_bytes_and_stdin_pass_through_as_they_are(notify: CommandLine) -> None:
    sent = bytes(range(256)) * 8192
    with notify.start(*TO, "--", "cat", stdin=subprocess.PIPE) as process:
        out, err = process.communicate(sent, timeout=60)
    assert (process.returncode, out, err) == (0, sent, b"")


def test_of_much_output_the_last_part_goes_along_and_that_is_said(
    notify: CommandLine, queries: LedgerQueries
) -> None:
    job = "import sys; [print(f'line {n:07d}') for n in range(300_000)]; sys.exit(1)"
    done = notify.process(*TO, "--tail-lines", "2", "--", sys.executable, "-c", job)
    assert done.out.count("\n") == 300_000
    document = told_of(queries)
    assert (
        "It wrote 3,900,000 bytes; the last 1,048,576 are attached.\nThe last 2 lines:\n"
        in document["message"]
    )
    assert document["message"].endswith("\nline 0299998\nline 0299999\n")
    assert attached(document) == done.out.encode()[-KEPT_BYTES:]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGUSR1])
def test_signals_go_on_to_the_job_and_its_end_by_one_is_told(
    notify: CommandLine, queries: LedgerQueries, number: signal.Signals
) -> None:
    job = "import signal; print('up', flush=True); signal.pause()"
    program = f"import signal; signal.signal({int(number)}, signal.SIG_DFL); {job}"
    with notify.start(*TO, "--", sys.executable, "-c", program) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert b"Traceback" not in err
    assert told_of(queries)["context"]["status"] == f"signal {number.name}"


def test_a_job_that_ends_in_its_own_way_at_a_signal_keeps_that_end(
    notify: CommandLine, queries: LedgerQueries
) -> None:
    program = "trap 'echo cleaning; exit 0' TERM; echo up; while :; do sleep 0.05; done"
    with notify.start(*TO, "--", "sh", "-c", program) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        process.terminate()
        out, _ = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, b"cleaning\n")
    assert not queries.page().total


def test_a_job_that_is_killed_is_told(notify: CommandLine, queries: LedgerQueries) -> None:
    assert notify.process(*TO, "--", "sh", "-c", "kill -9 $$").code == 137
    assert told_of(queries)["context"]["status"] == "signal SIGKILL"


def test_what_the_caller_ignores_the_job_ignores_too(notify: CommandLine) -> None:
    ours = f'"{sys.executable}" -m console.cli.main exec --to a@b'
    line = f"""trap "" HUP; exec {ours} -- sh -c 'kill -HUP $$; exit 4'"""
    done = subprocess.run(["/bin/sh", "-c", line], env=notify.env, cwd=PROJECT, timeout=60, check=False)
    assert done.returncode == 4


@pytest.mark.parametrize("name, code", [("no-such-program-here", 127), ("/", 126)])
def test_a_job_that_cannot_be_started_is_told_too(
    notify: CommandLine, queries: LedgerQueries, name: str, code: int
) -> None:
    done = notify.process(*TO, "--", name)
    assert done.code == code
    assert f"{name}: not started: " in done.err
    assert "Traceback" not in done.err
    assert told_of(queries)["context"]["status"].startswith("not started: ")


def test_where_nobody_can_be_told_the_jobs_end_and_output_stay_and_one_line_says_so(
    notify: CommandLine,
) -> None:
    away = {"NOTIFY_REDIS_URL": f"redis://:pa55@127.0.0.1:{free_port()}/0"}
    done = notify.process(*TO, "--", "sh", "-c", "echo out; exit 3", env=away)
    assert (done.code, done.out) == (3, "out\n")
    (line,) = done.err.splitlines()
    assert line.startswith("error: NOBODY WAS TOLD by email that the job ended with exit 3: Redis at ")
    assert "pa55" not in done.err


def test_without_a_redis_that_is_named_the_job_runs_and_is_warned_of_before(notify: CommandLine) -> None:
    done = notify.process(*TO, "--", "echo", "ran", env={"NOTIFY_REDIS_URL": ""})
    assert (done.code, done.out) == (0, "ran\n")
    assert done.err.startswith("warning: nobody can be told of this job: NOTIFY_REDIS_URL is not set")


def test_a_list_of_recipients_that_is_gone_does_not_keep_the_job_from_running(
    notify: CommandLine, tmp_path: Path
) -> None:
    done = notify.process("exec", "--to", f"@{tmp_path / 'gone'}", "--", "sh", "-c", "echo ran; exit 5")
    assert (done.code, done.out) == (5, "ran\n")
    assert "NOBODY WAS TOLD" in done.error


@pytest.mark.parametrize(
    "words, fault",
    [
        (("exec", "--", "true"), "nobody to tell"),
        (TO, "the job is missing"),
        (("exec", "--to", "nobody", "--", "true"), "--to has no domain"),
        (("exec", "--text-to", ";", "--", "true"), "--text-to holds no address"),
        ((*TO, "--subject", "a\nb", "--", "true"), "subject has a control character"),
        ((*TO, "--key", "k" * 201, "--", "true"), "key "),
        ((*TO, "--job", "j" * 1001, "--", "true"), "context.job"),
        ((*TO, "--tail-lines", "-1", "--", "true"), "invalid value for '--tail-lines'"),
        ((*TO, "--onn", "always", "--", "true"), "no such option '--onn'"),
    ],
)
def test_a_wrong_command_line_is_refused_before_the_job_starts(
    notify: CommandLine, tmp_path: Path, words: tuple[str, ...], fault: str
) -> None:
    mark = tmp_path / "ran"
    if words[-1] == "true":
        words = (*words[:-1], "touch", str(mark))
    done = notify(*words)
    assert done.code == 2
    assert done.error.startswith(fault)
    assert not mark.exists()


def test_under_one_key_it_is_told_once_by_mail_and_once_by_text(
    notify: CommandLine, queries: LedgerQueries
) -> None:
    words = (*TO, "--text-to", "1@sms.example", "--key", "night", "--", "sh", "-c")
    assert notify.process(*words, "exit 1").code == 1
    again = notify.process(*words, "echo other; exit 2")
    assert again.code == 2
    assert again.err.splitlines() == ["told before under the same --key; nothing new was recorded"] * 2
    assert queries.page().total == 2
    assert told_of(queries, 2)["channel"] == "text"
    assert told_of(queries, 2)["message"].startswith("Job sh failed on ")


def test_a_reader_that_left_ends_the_job_as_it_would_without_us(notify: CommandLine) -> None:
    read, write = os.pipe()
    os.close(read)
    with notify.start(*TO, "--", "yes", stdout=write) as process:
        os.close(write)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 141
    assert b"Traceback" not in err


def test_a_full_disk_does_not_stop_the_job_and_its_output_is_told(
    notify: CommandLine, queries: LedgerQueries
) -> None:
    with Path("/dev/full").open("wb") as full:
        process = notify.start(*TO, "--", "sh", "-c", "echo kept; exit 6", stdout=full.fileno())
        with process:
            _, err = process.communicate(timeout=60)
    assert process.returncode == 6
    assert b"could not be passed on: no space left on device" in err
    assert attached(told_of(queries)) == b"kept\n"


def test_what_the_job_leaves_behind_delays_no_telling_and_its_output_is_not_lost(
    notify: CommandLine, queries: LedgerQueries, tmp_path: Path
) -> None:
    fifo = tmp_path / "go"
    os.mkfifo(fifo)
    job = f"(read line < {fifo}; echo late) & echo early; exit 2"
    with notify.start(*TO, "--", "sh", "-c", job) as process:
        wait_until(lambda: queries.page().total == 1, seconds=60, what="the telling")
        assert process.poll() is None
        fifo.write_text("go\n")
        out, _ = process.communicate(timeout=60)
    assert (process.returncode, out) == (2, b"early\nlate\n")


def said(output: bytes, *, lines: int = 20, total: int | None = None) -> str:
    """The mail of a job that wrote this."""
    end = JobEnd(1, "exit 1", 5.0, output, len(output) if total is None else total)
    (document,) = documents(Telling("j", "m", email_to="a@b.example", tail_lines=lines), end)
    message: str = document["message"]
    assert checked(document).message == message
    return message


def test_the_mail_is_plain_text_whatever_the_job_wrote() -> None:
    assert said(b"").endswith("\n\nIt wrote nothing.\n")
    assert said(b"\x1b[31mred\x1b[0m\r\n 10%\r 99%\rdone\n\x00\xff\n\n").endswith(
        "Output:\n\nred\ndone\n\ufffd\n"
    )
    assert said(b"a\nb\n", lines=0).endswith("It wrote 4 bytes; they are attached.\n")
    assert said(b"a\nb\nc\n", lines=2).endswith("The last 2 lines:\n\nb\nc\n")
    long = said(b"#" * 50_000)
    assert "The last 20,000 characters:" in long
    assert long.count("#") == LINES_MAX_CHARACTERS


def test_a_name_that_is_no_file_name_is_made_one() -> None:
    end = JobEnd(1, "exit 1", 5.0, b"x", 1)
    for name, file in (("../a/b c", "a-b-c.log"), ("/", "job.log"), ("größe", "größe.log")):
        (document,) = documents(Telling(name, "m", email_to="a@b.example"), end)
        assert document["attachments"][0]["name"] == file
        checked(document)
