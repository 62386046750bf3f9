"""The output of a job, asked of a scheduler by a real worker because the command wants to know."""

from __future__ import annotations

import pytest

from tests.attachment_test.conftest import Rig
from tests.rigs.command_line import CommandLine, Done
from tests.rigs.scheduler_api import EXTERNAL_TOKEN, Refuse, SchedulerApi


def told(done: Done) -> list[tuple[str, str]]:
    return [(stage["stage"], stage["outcome"]) for stage in done.json["stages"]]


def test_each_output_is_fetched_in_steps(scheduler: SchedulerApi, notify: CommandLine) -> None:
    done = notify.process("attachment", "test", "--job-output", "123", "--json")
    assert done.code == 0, done.out + done.err
    assert told(done) == [(stage, "ok") for stage in ("allowed", "token", "list", "output", "output")]
    assert done.json["stages"][2]["facts"]["outputs"] == 2
    assert [file["name"] for file in done.json["files"]] == ["123_stdout.txt", "123.err"]
    assert [file["bytes"] for file in done.json["files"]] == [6, 5]
    assert scheduler.sign_ins == 1
    assert "oh no" not in done.out


def test_an_applications_token_needs_no_sign_in(
    rig: Rig, scheduler: SchedulerApi, notify: CommandLine
) -> None:
    rig.set(jors__api_token=rig.seal(EXTERNAL_TOKEN))
    done = notify("attachment", "test", "--job-output", "123", "--json")
    assert done.code == 0, done.out
    assert told(done) == [(stage, "ok") for stage in ("allowed", "list", "output", "output")]
    assert scheduler.sign_ins == 0


def test_a_wrong_password_is_tried_once_and_is_the_sign_ins_fault(
    rig: Rig, scheduler: SchedulerApi, notify: CommandLine
) -> None:
    rig.set(jors__api_password=rig.seal("wrong"))
    done = notify("attachment", "test", "--job-output", "123", "--json")
    assert done.code == 1
    assert told(done) == [
        *(("allowed", "ok"), ("token", "failed"), ("list", "not_reached"), ("output", "not_reached"))
    ]
    assert "jors.api_password" in done.json["stages"][1]["advice"][0]
    again = notify("attachment", "test", "--job-output", "123", "--json").json["stages"][1]
    assert "is not tried before" in again["reason"]
    assert "notify share retry" in again["advice"][0]
    assert scheduler.sign_ins == 1


@pytest.mark.usefixtures("scheduler")
def test_a_job_that_the_scheduler_does_not_know_is_said(notify: CommandLine) -> None:
    done = notify("attachment", "test", "--job-output", "999", "--json")
    assert done.code == 1
    assert ("list", "failed") in told(done)
    assert done.json["files"][0]["fault"] == "missing"


def test_trouble_that_passes_is_no_failure(scheduler: SchedulerApi, notify: CommandLine) -> None:
    scheduler.next = [None, Refuse(503), None]
    done = notify("attachment", "test", "--job-output", "123", "--json")
    assert done.code == 0, done.out
    assert ("list", "ok") in told(done)
    assert done.json["stages"][2]["tries"] > 1


def test_without_a_scheduler_the_option_is_named(notify: CommandLine) -> None:
    done = notify("attachment", "test", "--job-output", "123", "--json")
    assert done.code == 1
    assert told(done)[0] == ("allowed", "failed")
    assert "jors.api_address" in done.json["stages"][0]["reason"]


@pytest.mark.usefixtures("scheduler")
def test_a_person_reads_the_outputs_and_their_sizes(notify: CommandLine) -> None:
    done = notify("attachment", "test", "--job-output", "123")
    assert done.code == 0, done.out
    words = " ".join(done.out.split())
    assert "✓ is a scheduler named" in words
    assert "2 outputs" in words
    assert "123.err: ok, 5 bytes" in words
