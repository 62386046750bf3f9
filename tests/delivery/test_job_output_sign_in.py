"""The sign-in at the scheduler: token, certificate, and that no secret goes astray."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from tasks.attachments.gatherer import Places
from tasks.attachments.local_files import LocalFiles
from tests.rigs.certificates import Certificates, from_an_authority_of_old, make_certificates
from tests.rigs.delivery_bench import ID, Bench
from tests.rigs.delivery_servers import MailServer
from tests.rigs.job_mails import STDOUT, accept_jobs, looks, mail_of
from tests.rigs.scheduler_api import (
    EXTERNAL_TOKEN,
    PASSWORD,
    USER,
    Refuse,
    SchedulerApi,
    scheduler_api,
)

A = "a@x.test"


def test_a_token_that_ran_out_is_renewed_once(
    bench: Bench, primary: MailServer, scheduler: SchedulerApi
) -> None:
    accept_jobs(bench)
    bench.deliver()
    scheduler.expire_tokens()
    looks(bench)
    assert len(mail_of(primary.taken[0])[0]) == 2
    assert scheduler.sign_ins == 2


def test_a_scheduler_that_takes_no_token_at_all_is_asked_twice_and_no_more(
    bench: Bench, primary: MailServer, scheduler: SchedulerApi
) -> None:
    scheduler.next = [None, Refuse(401), None, Refuse(401)]
    accept_jobs(bench)
    assert bench.deliver().state == "delivered"
    assert scheduler.sign_ins == 2
    assert scheduler.asked("jobinstanceactions") == 2
    assert "does not take the token" in mail_of(primary.taken[0])[1]


def test_a_wrong_password_is_tried_once_for_all_jobs_and_not_again_for_minutes(
    bench: Bench, primary: MailServer, scheduler: SchedulerApi
) -> None:
    bench.set(jors__api_password="wrong")
    accept_jobs(bench, 123, 123, 123, strict=True)
    for _ in range(3):
        bench.deliver()
        bench.wait()
    assert scheduler.sign_ins == 1
    assert bench.record().reason == "strict: attachment 1 of 3: it may not be read, and 2 more"
    bench.set(jors__api_password=PASSWORD)
    looks(bench)
    assert len(mail_of(primary.taken[0])[0]) == 6


def test_a_wrong_password_is_tried_by_one_worker_alone_until_it_is_asked_for(
    bench: Bench, primary: MailServer, scheduler: SchedulerApi
) -> None:
    bench.set(jors__api_password="wrong")
    for number in range(3):
        bench.accept_email(A, id=f"m{number}", attachments=[{"job_output": 123}])
        bench.gatherer = bench.gatherer_of(Places(local=LocalFiles()))
        assert bench.new_deliverer(worker=f"w{number}").deliver(f"m{number}").state == "delivered"
    assert scheduler.sign_ins == 1
    first, *others = [" ".join(mail_of(text)[1].split()) for text in primary.taken]
    assert "the scheduler refuses the sign-in, by jors.api_user and jors.api_password" in first
    for text in others:
        assert "so that it is not locked out; a new jors.api_password, or notify share retry" in text
    assert bench.sign_in_guard.forget() == 1
    bench.accept_email(A, attachments=[{"job_output": 123}])
    bench.deliver()
    assert scheduler.sign_ins == 2


def test_an_applications_token_is_used_as_it_is(
    bench: Bench, primary: MailServer, scheduler: SchedulerApi
) -> None:
    bench.set(jors__api_token=EXTERNAL_TOKEN, jors__api_user="", jors__api_password="")
    accept_jobs(bench)
    looks(bench)
    assert len(mail_of(primary.taken[0])[0]) == 2
    assert scheduler.sign_ins == 0


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
    with scheduler_api(outputs={123: {STDOUT: "x"}}, tls=certificates.context()) as scheduler:
        bench.set(
            jors__api_address=scheduler.address, jors__api_user=USER, jors__api_password=PASSWORD, **given
        )
        accept_jobs(bench)
        looks(bench)
        assert scheduler.sign_ins == int(not words)
    files, text = mail_of(primary.taken[0])
    assert list(files) == ([] if words else ["123_stdout.txt"])
    assert words in " ".join(text.split())


def test_the_schedulers_authority_may_be_one_of_old(
    bench: Bench, primary: MailServer, tmp_path: Path
) -> None:
    bundle, _, context = from_an_authority_of_old(tmp_path)
    with scheduler_api(outputs={123: {STDOUT: "x"}}, tls=context) as scheduler:
        bench.set(
            jors__api_address=scheduler.address,
            jors__api_user=USER,
            jors__api_password=PASSWORD,
            jors__ca_bundle=bundle,
        )
        accept_jobs(bench)
        looks(bench)
    assert list(mail_of(primary.taken[0])[0]) == ["123_stdout.txt"]


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
    accept_jobs(bench)
    looks(bench)
    assert len(mail_of(primary.taken[0])[0]) == 2
    assert scheduler.sign_ins == 1


@pytest.mark.usefixtures("primary")
def test_password_token_and_output_are_in_no_log_reason_entry_or_repr(
    bench: Bench, scheduler: SchedulerApi, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = "PLANTED-secret"
    scheduler.outputs[123] = {STDOUT: "PLANTED output"}
    scheduler.next = [Refuse(500, "PLANTED words"), None, Refuse(401)]
    bench.set(jors__api_password=secret, jors__api_token="")
    accept_jobs(bench)
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
