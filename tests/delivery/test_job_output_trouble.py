"""A scheduler that is away, refuses, or answers what nothing can be made of."""

from __future__ import annotations

import pytest

from tests.rigs.delivery_bench import Bench
from tests.rigs.delivery_servers import MailServer
from tests.rigs.job_mails import STDERR, STDOUT, accept_jobs, looks, mail_of
from tests.rigs.scheduler_api import (
    Hang,
    Raw,
    Refuse,
    SchedulerApi,
)


@pytest.mark.parametrize("trouble", [Refuse(503), Refuse(500, "db"), Refuse(429)], ids=lambda t: t.status)
def test_trouble_of_the_scheduler_passes_within_the_time_out(
    bench: Bench, primary: MailServer, scheduler: SchedulerApi, trouble: Refuse
) -> None:
    scheduler.next = [None, trouble, None, trouble, None, trouble]
    accept_jobs(bench)
    looks(bench)
    assert len(mail_of(primary.taken[0])[0]) == 2
    assert bench.record().passes == 1


def test_a_scheduler_that_stays_away_is_named_as_the_reason(
    bench: Bench, primary: MailServer, scheduler: SchedulerApi
) -> None:
    bench.set(jors__api_address="http://127.0.0.1:1/api")
    assert scheduler.requests == []
    accept_jobs(bench)
    looks(bench)
    _, text = mail_of(primary.taken[0])
    assert text.endswith("output of job 123: it did not come within 120 s: the scheduler cannot be reached")


@pytest.mark.parametrize(
    "options, words",
    [
        ({"jors__api_address": ""}, "no scheduler is named (option jors.api_address)"),
        ({"jors__api_user": ""}, "nobody is named who signs in"),
        ({"jors__api_token": "wrong"}, "the scheduler does not take the token"),
    ],
)
def test_what_is_not_set_up_is_said_at_once(
    bench: Bench, primary: MailServer, scheduler: SchedulerApi, options: dict[str, object], words: str
) -> None:
    assert scheduler.port
    bench.set(**options)
    accept_jobs(bench)
    assert bench.deliver().state == "delivered"
    assert words in " ".join(mail_of(primary.taken[0])[1].split())


@pytest.mark.parametrize(
    "answer, words",
    [
        (Refuse(302, headers={"Location": "http://127.0.0.1:1/"}), "at another address"),
        (Raw(b"<html>Welcome"), "is not that of its REST API"),
        (Raw(b'{"result": 7}'), "is not that of its REST API"),
        (Refuse(403, "no right"), "may not see it: no right"),
        (Refuse(400, "bad job\r\nX: 1"), "refuses to give it (HTTP status 400): bad job X: 1"),
    ],
)
def test_an_answer_that_nothing_can_be_made_of_ends_the_asking(
    bench: Bench, primary: MailServer, scheduler: SchedulerApi, answer: Refuse | Raw, words: str
) -> None:
    scheduler.next = [None, answer]
    accept_jobs(bench)
    assert bench.deliver().state == "delivered"
    assert words in " ".join(mail_of(primary.taken[0])[1].split())


def test_the_schedulers_own_words_are_in_the_mail(
    bench: Bench, primary: MailServer, scheduler: SchedulerApi
) -> None:
    scheduler.failing = {123: "JORS is not\nrunning on prod1 " + "x" * 300}
    accept_jobs(bench)
    looks(bench)
    text = " ".join(mail_of(primary.taken[0])[1].split())
    assert "the scheduler says: JORS is not running on prod1 xxx" in text
    assert "x" * 190 not in text


def test_one_output_that_fails_keeps_the_others_not_back(
    bench: Bench, primary: MailServer, scheduler: SchedulerApi
) -> None:
    scheduler.failing = {STDERR: "gone"}
    accept_jobs(bench)
    looks(bench)
    files, text = mail_of(primary.taken[0])
    assert list(files) == ["123_stdout.txt"]
    assert "Attachment not sent: output of job 123, 123.err: the scheduler says: gone" in text


def test_what_is_ready_and_not_given_ends_the_asking_too(
    bench: Bench, primary: MailServer, scheduler: SchedulerApi
) -> None:
    primary.answers["MAIL"] = "451 4.3.0 no"
    accept_jobs(bench)
    looks(bench)
    primary.answers.clear()
    signed_in = scheduler.sign_ins
    scheduler.next = [Refuse(401), None, Refuse(401)]
    assert looks(bench) == 1
    assert bench.state() == "delivered"
    assert scheduler.sign_ins == signed_in + 1
    files, text = mail_of(primary.taken[0])
    assert files == {}
    assert text.count("the scheduler does not take the token") == 2


def test_a_scheduler_that_forgets_what_it_answered_once_still_comes_to_an_end(
    bench: Bench, primary: MailServer, scheduler: SchedulerApi
) -> None:
    scheduler.forgets = True
    accept_jobs(bench)
    began = bench.clock.now_ms
    looks(bench)
    assert bench.clock.now_ms - began <= 120_000
    assert primary.taken


def test_a_hanging_scheduler_costs_a_slot_no_more_than_one_request_a_look(
    bench: Bench, primary: MailServer, scheduler: SchedulerApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.attachments.job_output.opcon_http.REQUEST_MAX_SECONDS", 0.2)
    monkeypatch.setattr("tasks.attachments.job_output.opcon_http.REQUEST_MIN_SECONDS", 0.1)
    scheduler.outputs |= {job: {STDOUT: "x"} for job in range(10)}
    scheduler.next = [None, Hang(), Hang()]
    accept_jobs(bench, *range(1, 10))
    bench.deliver()
    assert len(scheduler.requests) == 2
    assert bench.record().reason == "waits for the output of job 1 and 8 more"
    bench.again()
    assert len(scheduler.requests) == 3
    looks(bench)
    assert len(mail_of(primary.taken[0])[0]) == 9
