"""Job output on its way from the scheduler into a mail, look by look, on a clock that the test moves."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.rigs.certificates import Certificates, make_certificates
from tests.rigs.delivery_bench import ID, Bench
from tests.rigs.delivery_servers import MailServer, Text
from tests.rigs.scheduler_api import (
    EXTERNAL_TOKEN,
    PASSWORD,
    USER,
    Hang,
    Raw,
    Refuse,
    SchedulerApi,
    scheduler_api,
)

OUT, ERR = r"C:\Out\123_stdout.txt", "/var/jors/123.err"


def mail_of(text: Text) -> tuple[dict[str, str], str]:
    """The files of a mail, and its text."""
    mail = message_from_bytes(text.raw, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    body = mail.get_body(("plain",))
    assert body is not None
    files = {str(part.get_filename()): part.get_content() for part in mail.iter_attachments()}
    return files, body.get_content().replace("\r\n", "\n").strip()


@pytest.fixture
def scheduler(bench: Bench) -> Iterator[SchedulerApi]:
    with scheduler_api(outputs={123: {OUT: "grün\n", ERR: "oh no"}}) as scheduler:
        bench.set(jors__api_address=scheduler.address, jors__api_user=USER, jors__api_password=PASSWORD)
        yield scheduler


def accept(bench: Bench, *jobs: int, **fields: object) -> None:
    bench.accept_email("a@x.test", attachments=[{"job_output": job} for job in jobs or (123,)], **fields)


def looks(bench: Bench, *, most: int = 100) -> int:
    """Look until the mail does not wait for output any more; how many looks that took."""
    for count in range(1, most):
        result = bench.again() if bench.state() == "waiting" else bench.deliver()
        if "output of job" not in result.reason:
            return count
    raise AssertionError("it waits for ever")


def test_all_outputs_of_a_job_arrive_as_text_under_their_names(
    bench: Bench, primary: MailServer, scheduler: SchedulerApi
) -> None:
    accept(bench)
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
    accept(bench)
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
    accept(bench)
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
    accept(bench, 123, 7, 9)
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
    scheduler.outputs[123] = {OUT: "", ERR: None, "last.log": "x"}
    accept(bench, strict=True)
    looks(bench)
    files, text = mail_of(primary.taken[0])
    assert files == {"last.log": "x"}
    assert text.count("the output is empty") == 2


@pytest.mark.parametrize(
    "length, limit, said",
    [(65_535, 65_536, False), (65_536, 65_536, True), (90_000, 0, False), (10, 8, True)],
)
def test_output_that_its_agent_may_have_cut_is_said_to_be(
    bench: Bench, primary: MailServer, scheduler: SchedulerApi, length: int, limit: int, *, said: bool
) -> None:
    bench.set(jors__agent_limit_bytes=limit)
    scheduler.outputs[123] = {OUT: "x" * length}
    accept(bench)
    looks(bench)
    files, text = mail_of(primary.taken[0])
    assert [len(content) for content in files.values()] == [length]
    assert ("Attachment 123_stdout.txt: may be cut" in " ".join(text.split())) is said


def test_after_the_time_out_the_mail_goes_with_what_is_there_and_says_what_is_not(
    bench: Bench, primary: MailServer, scheduler: SchedulerApi
) -> None:
    bench.set(general__jors_attachment_timeout=60)
    scheduler.outputs[124] = {OUT: "never"}
    accept(bench, 123, 124)
    began = bench.clock.now_ms
    bench.deliver()
    scheduler.never = {124}
    looks(bench)
    assert bench.clock.now_ms - began == 60_000
    files, text = mail_of(primary.taken[0])
    assert list(files) == ["123_stdout.txt", "123.err"]
    assert "Attachment not sent: output of job 124: it did not come within 60 s" in " ".join(text.split())


def test_the_time_out_is_live(bench: Bench, primary: MailServer, scheduler: SchedulerApi) -> None:
    scheduler.looks_until_ready = 10_000
    accept(bench)
    bench.deliver()
    bench.set(general__jors_attachment_timeout=60)
    began = bench.clock.now_ms
    looks(bench)
    assert bench.clock.now_ms - began == 60_000
    assert primary.taken


@pytest.mark.parametrize("trouble", [Refuse(503), Refuse(500, "db"), Refuse(429)], ids=lambda t: t.status)
def test_trouble_of_the_scheduler_passes_within_the_time_out(
    bench: Bench, primary: MailServer, scheduler: SchedulerApi, trouble: Refuse
) -> None:
    scheduler.next = [None, trouble, None, trouble, None, trouble]
    accept(bench)
    looks(bench)
    assert len(mail_of(primary.taken[0])[0]) == 2
    assert bench.record().passes == 1


def test_a_scheduler_that_stays_away_is_named_as_the_reason(
    bench: Bench, primary: MailServer, scheduler: SchedulerApi
) -> None:
    bench.set(jors__api_address="http://127.0.0.1:1/api")
    assert scheduler.requests == []
    accept(bench)
    looks(bench)
    _, text = mail_of(primary.taken[0])
    assert text.endswith("output of job 123: it did not come within 120 s: the scheduler cannot be reached")


def test_a_token_that_ran_out_is_renewed_once(
    bench: Bench, primary: MailServer, scheduler: SchedulerApi
) -> None:
    accept(bench)
    bench.deliver()
    scheduler.expire_tokens()
    looks(bench)
    assert len(mail_of(primary.taken[0])[0]) == 2
    assert scheduler.sign_ins == 2


def test_a_scheduler_that_takes_no_token_at_all_is_asked_twice_and_no_more(
    bench: Bench, primary: MailServer, scheduler: SchedulerApi
) -> None:
    scheduler.next = [None, Refuse(401), None, Refuse(401)]
    accept(bench)
    assert bench.deliver().state == "delivered"
    assert scheduler.sign_ins == 2
    assert scheduler.asked("jobinstanceactions") == 2
    assert "does not take the token" in mail_of(primary.taken[0])[1]


def test_a_wrong_password_is_tried_once_for_all_jobs_and_not_again_for_minutes(
    bench: Bench, primary: MailServer, scheduler: SchedulerApi
) -> None:
    bench.set(jors__api_password="wrong")
    accept(bench, 123, 123, 123, strict=True)
    for _ in range(3):
        bench.deliver()
        bench.wait()
    assert scheduler.sign_ins == 1
    assert bench.record().reason == "strict: attachment 1 of 3: it may not be read, and 2 more"
    bench.set(jors__api_password=PASSWORD)
    looks(bench)
    assert len(mail_of(primary.taken[0])[0]) == 6


def test_an_applications_token_is_used_as_it_is(
    bench: Bench, primary: MailServer, scheduler: SchedulerApi
) -> None:
    bench.set(jors__api_token=EXTERNAL_TOKEN, jors__api_user="", jors__api_password="")
    accept(bench)
    looks(bench)
    assert len(mail_of(primary.taken[0])[0]) == 2
    assert scheduler.sign_ins == 0


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
    accept(bench)
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
    accept(bench)
    assert bench.deliver().state == "delivered"
    assert words in " ".join(mail_of(primary.taken[0])[1].split())


def test_the_schedulers_own_words_are_in_the_mail(
    bench: Bench, primary: MailServer, scheduler: SchedulerApi
) -> None:
    scheduler.failing = {123: "JORS is not\nrunning on prod1 " + "x" * 300}
    accept(bench)
    looks(bench)
    text = " ".join(mail_of(primary.taken[0])[1].split())
    assert "the scheduler says: JORS is not running on prod1 xxx" in text
    assert "x" * 190 not in text


def test_one_output_that_fails_keeps_the_others_not_back(
    bench: Bench, primary: MailServer, scheduler: SchedulerApi
) -> None:
    scheduler.failing = {ERR: "gone"}
    accept(bench)
    looks(bench)
    files, text = mail_of(primary.taken[0])
    assert list(files) == ["123_stdout.txt"]
    assert "Attachment not sent: output of job 123, 123.err: the scheduler says: gone" in text


def test_output_is_fetched_again_for_a_later_pass_and_asked_for_anew_where_it_was_forgotten(
    bench: Bench, primary: MailServer, scheduler: SchedulerApi
) -> None:
    primary.answers["MAIL"] = ["451 4.3.0 no"] * 2
    accept(bench)
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
    scheduler.outputs[124] = {OUT: "never"}
    scheduler.never = {124}
    accept(bench, 123, 124)
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
    accept(bench, strict=True)
    looks(bench)
    assert bench.record().reason == "strict: attachment 1 of 1: it did not come in time"
    assert primary.connections == 0
    scheduler.never = set()
    bench.wait()
    looks(bench)
    assert len(mail_of(primary.taken[0])[0]) == 2


def test_what_is_ready_and_not_given_ends_the_asking_too(
    bench: Bench, primary: MailServer, scheduler: SchedulerApi
) -> None:
    primary.answers["MAIL"] = "451 4.3.0 no"
    accept(bench)
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
    accept(bench)
    began = bench.clock.now_ms
    looks(bench)
    assert bench.clock.now_ms - began <= 120_000
    assert primary.taken


def test_a_hanging_scheduler_costs_a_slot_no_more_than_one_request_a_look(
    bench: Bench, primary: MailServer, scheduler: SchedulerApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.attachments.job_output.opcon_http.REQUEST_MAX_SECONDS", 0.2)
    monkeypatch.setattr("tasks.attachments.job_output.opcon_http.REQUEST_MIN_SECONDS", 0.1)
    scheduler.outputs |= {job: {OUT: "x"} for job in range(10)}
    scheduler.next = [None, Hang(), Hang()]
    accept(bench, *range(1, 10))
    bench.deliver()
    assert len(scheduler.requests) == 2
    assert bench.record().reason == "waits for the output of job 1 and 8 more"
    bench.again()
    assert len(scheduler.requests) == 3
    looks(bench)
    assert len(mail_of(primary.taken[0])[0]) == 9


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.mark.parametrize(
    "options, words",
    [
        ({}, "the scheduler's certificate cannot be trusted"),
        ({"jors__ca_bundle": "{bundle}"}, ""),
        ({"jors__verify_certificate": False}, ""),
        ({"jors__ca_bundle": "{bundle}-no"}, "the file in the option jors.ca_bundle cannot be read"),
    ],
)
def test_the_certificate_is_checked_against_the_bundle_or_not_where_that_is_said(
    bench: Bench, primary: MailServer, certificates: Certificates, options: dict[str, object], words: str
) -> None:
    given = {
        name: value.format(bundle=certificates.bundle) if isinstance(value, str) else value
        for name, value in options.items()
    }
    with scheduler_api(outputs={123: {OUT: "x"}}, tls=certificates.context()) as scheduler:
        bench.set(
            jors__api_address=scheduler.address, jors__api_user=USER, jors__api_password=PASSWORD, **given
        )
        accept(bench)
        looks(bench)
        assert scheduler.sign_ins == int(not words)
    files, text = mail_of(primary.taken[0])
    assert list(files) == ([] if words else ["123_stdout.txt"])
    assert words in " ".join(text.split())


def test_neither_netrc_nor_a_proxy_sees_the_token(
    bench: Bench,
    primary: MailServer,
    scheduler: SchedulerApi,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login a password b\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    accept(bench)
    looks(bench)
    assert len(mail_of(primary.taken[0])[0]) == 2
    assert scheduler.sign_ins == 1


@pytest.mark.usefixtures("primary")
def test_password_token_and_output_are_in_no_log_reason_entry_or_repr(
    bench: Bench, scheduler: SchedulerApi, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = "PLANTED-secret"
    scheduler.outputs[123] = {OUT: "PLANTED output"}
    scheduler.next = [Refuse(500, "PLANTED words"), None, Refuse(401)]
    bench.set(jors__api_password=secret, jors__api_token="")
    accept(bench)
    results = [bench.deliver()]
    bench.set(jors__api_password=PASSWORD)
    results += [bench.again(), bench.again()]
    assert scheduler.asked("jobinstanceactions")
    told = [repr(results), bench.record().reason, json.dumps(bench.timeline()), repr(bench.memory())]
    told += [record.getMessage() for record in caplog.records]
    told += [str(bench.redis.hget(f"notify:n:{ID}", "memory"))]
    for each in told:
        assert "PLANTED" not in each
        assert PASSWORD not in each
