"""Job output on its way from the scheduler into a mail, look by look, on a clock that the test moves."""

from __future__ import annotations

import pytest

from tests.rigs.delivery_bench import ID, Bench
from tests.rigs.delivery_servers import MailServer
from tests.rigs.job_mails import STDERR, STDOUT, accept_jobs, looks, mail_of
from tests.rigs.scheduler_api import (
    SchedulerApi,
)


def test_all_outputs_of_a_job_arrive_as_text_under_their_names(
    bench: Bench, primary: MailServer, scheduler: SchedulerApi
) -> None:
    accept_jobs(bench)
    began = bench.clock.now_ms
    first = bench.deliver()
    assert (first.state, first.wait_seconds) == ("waiting", 3.0)
    assert bench.record().reason == "waits for the output of job 123"
    assert [action.kind for action in scheduler.actions] == ["LIST"]
    bench.wait()
    assert looks(bench) == 2
    assert bench.state() == "delivered"
    files, text = mail_of(primary.taken[0])
    assert files == {"123_stdout.txt": "grün\n", "123.err": "oh no"}
    assert "Attachment" not in text
    assert bench.clock.now_ms - began == 6_000
    assert scheduler.sign_ins == 1
    assert bench.record().passes == 1


def test_no_claim_is_kept_between_two_looks_and_the_record_keeps_the_actions(
    bench: Bench, primary: MailServer, scheduler: SchedulerApi
) -> None:
    scheduler.looks_until_ready = 3
    accept_jobs(bench)
    for _ in range(3):
        bench.deliver()
        assert bench.state() == "waiting"
        assert not bench.redis.hexists(f"notify:n:{ID}", "token")
        assert bench.memory().jobs[0].action == "1"
        bench.wait()
    bench.deliver()
    assert [output.action for output in bench.memory().jobs[0].outputs or ()] == ["2", "3"]
    bench.wait()
    other = bench.new_deliverer(worker="w2")
    while bench.state() == "queued":
        other.deliver(ID)
        if bench.state() == "waiting":
            bench.wait()
    assert len(mail_of(primary.taken[0])[0]) == 2
    assert [action.kind for action in scheduler.actions] == ["LIST", "FILE", "FILE"]


def test_what_was_asked_for_is_fetched_in_its_time_also_while_no_server_is_up(
    bench: Bench, primary: MailServer, scheduler: SchedulerApi
) -> None:
    bench.set(delivery__breaker_failures=1)
    accept_jobs(bench)
    bench.deliver()
    primary.go_down()
    bench.accept_email(id="other")
    bench.deliverer.deliver("other")
    looks(bench)
    assert bench.state() == "waiting"
    asked = len(scheduler.requests)
    bench.clock.advance(600)
    bench.again()
    assert len(scheduler.requests) == asked
    primary.come_up()
    bench.probe()
    bench.run_out()
    assert len(mail_of(primary.taken[0])[0]) == 2


def test_each_output_is_in_the_timeline(bench: Bench, primary: MailServer, scheduler: SchedulerApi) -> None:
    scheduler.outputs[7] = {}
    accept_jobs(bench, 123, 7, 9)
    looks(bench)
    unknown = "the scheduler does not know the job"
    told = [(e["file"], e["verdict"], e["bytes"], e["reason"]) for e in bench.timeline() if "file" in e]
    assert told == [
        ("123_stdout.txt", "attachment_fetched", 6, ""),
        ("123.err", "attachment_fetched", 5, ""),
        ("output of job 7", "attachment_empty", 0, "the job has no output"),
        (
            "output of job 9",
            "attachment_missing",
            0,
            f"{unknown}: job 9 does not exist",
        ),
    ]
    assert {entry["seconds"] for entry in bench.timeline() if "file" in entry} == {6.0}
    assert mail_of(primary.taken[0])[1].splitlines()[-2:] == [
        "Attachment output of job 7: the job has no output",
        "Attachment not sent: output of job 9: the scheduler does not know the job: job 9 does not exist",
    ]


def test_an_empty_output_is_said_and_not_attached(
    bench: Bench, primary: MailServer, scheduler: SchedulerApi
) -> None:
    scheduler.outputs[123] = {STDOUT: "", STDERR: None, "last.log": "x"}
    accept_jobs(bench, strict=True)
    looks(bench)
    files, text = mail_of(primary.taken[0])
    assert files == {"last.log": "x"}
    assert text.splitlines()[-2:] == [
        "Attachment output of job 123, 123_stdout.txt: the output is empty",
        "Attachment output of job 123, 123.err: the output is empty",
    ]


@pytest.mark.parametrize(
    "length, limit, said",
    [(65_535, 65_536, False), (65_536, 65_536, True), (90_000, 0, False), (10, 8, True)],
)
def test_output_that_its_agent_may_have_cut_is_said_to_be(
    bench: Bench, primary: MailServer, scheduler: SchedulerApi, length: int, limit: int, *, said: bool
) -> None:
    bench.set(jors__agent_limit_bytes=limit)
    scheduler.outputs[123] = {STDOUT: "x" * length}
    accept_jobs(bench)
    looks(bench)
    files, text = mail_of(primary.taken[0])
    assert [len(content) for content in files.values()] == [length]
    assert ("Attachment 123_stdout.txt: may be cut" in " ".join(text.split())) is said


def test_after_the_time_out_the_mail_goes_with_what_is_there_and_says_what_is_not(
    bench: Bench, primary: MailServer, scheduler: SchedulerApi
) -> None:
    bench.set(general__jors_attachment_timeout=60)
    scheduler.outputs[124] = {STDOUT: "never"}
    accept_jobs(bench, 123, 124)
    began = bench.clock.now_ms
    bench.deliver()
    scheduler.never = {124}
    looks(bench)
    assert bench.clock.now_ms - began == 60_000
    files, text = mail_of(primary.taken[0])
    assert list(files) == ["123_stdout.txt", "123.err"]
    assert "Attachment not sent: output of job 124: it did not come within 60 s" in " ".join(text.split())


def test_outputs_that_take_long_to_fetch_all_come(
    bench: Bench, primary: MailServer, scheduler: SchedulerApi
) -> None:
    scheduler.outputs[123] = {f"/var/jors/{number}.log": str(number) for number in range(7)}
    scheduler.on_request = lambda: bench.clock.advance(4)
    accept_jobs(bench)
    began = bench.clock.now_ms
    looks(bench)
    assert list(mail_of(primary.taken[0])[0]) == [f"{number}.log" for number in range(7)]
    assert bench.clock.now_ms - began < 120_000


def test_outputs_that_together_are_more_than_any_mail_may_have_are_left_out_and_not_kept_in_memory(
    bench: Bench, primary: MailServer, scheduler: SchedulerApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.attachments.job_output.look.OUTPUTS_MAX_BYTES", 3 * 1024 * 1024)
    sizes = {"a": 2, "b": 2, "c": 1}
    scheduler.outputs[123] = {
        f"/var/jors/{name}.log": name * size * 1024 * 1024 for name, size in sizes.items()
    }
    accept_jobs(bench)
    looks(bench)
    files, text = mail_of(primary.taken[0])
    assert list(files) == ["a.log", "c.log"]
    assert (
        "Attachment not sent: output of job 123, b.log: too large, it has 2 MB, and all outputs of a mail "
        "have 3 MB at most" in " ".join(text.split())
    )


def test_the_time_out_is_live(bench: Bench, primary: MailServer, scheduler: SchedulerApi) -> None:
    scheduler.looks_until_ready = 10_000
    accept_jobs(bench)
    bench.deliver()
    bench.set(general__jors_attachment_timeout=60)
    began = bench.clock.now_ms
    looks(bench)
    assert bench.clock.now_ms - began == 60_000
    assert primary.taken


def test_output_is_fetched_again_for_a_later_pass_and_asked_for_anew_where_it_was_forgotten(
    bench: Bench, primary: MailServer, scheduler: SchedulerApi
) -> None:
    primary.answers["MAIL"] = ["451 4.3.0 no"] * 2
    accept_jobs(bench)
    looks(bench)
    assert len(scheduler.actions) == 3
    bench.again()
    assert len(scheduler.actions) == 3
    scheduler.forget()
    bench.wait()
    looks(bench)
    assert bench.state() == "delivered"
    assert len(scheduler.actions) == 5
    assert len(mail_of(primary.taken[0])[0]) == 2


def test_a_later_pass_does_not_wait_again_for_what_did_not_come(
    bench: Bench, primary: MailServer, scheduler: SchedulerApi
) -> None:
    primary.answers["MAIL"] = ["451 4.3.0 no"] * 2
    scheduler.outputs[124] = {STDOUT: "never"}
    scheduler.never = {124}
    accept_jobs(bench, 123, 124)
    looks(bench)
    asked = scheduler.asked("POST")
    assert looks(bench) == 1
    assert looks(bench) == 1
    assert bench.state() == "delivered"
    assert scheduler.asked("POST") == asked
    files, text = mail_of(primary.taken[0])
    assert len(files) == 2
    assert "output of job 124: it did not come within 120 s" in " ".join(text.split())


def test_a_strict_mail_asks_again_in_each_pass(
    bench: Bench, primary: MailServer, scheduler: SchedulerApi
) -> None:
    scheduler.never = {123}
    accept_jobs(bench, strict=True)
    looks(bench)
    assert bench.record().reason == "strict: attachment 1 of 1: it did not come in time"
    assert primary.connections == 0
    scheduler.never = set()
    bench.wait()
    looks(bench)
    assert len(mail_of(primary.taken[0])[0]) == 2
