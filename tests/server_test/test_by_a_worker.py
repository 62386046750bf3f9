"""The whole way: the command as a process, a real worker, real servers."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tasks.breaker import Breaker
from tasks.live_test.asking import LONGEST_STEP_SECONDS
from tasks.routing import server_of
from tasks.server_test import Draft, ServerTests, TestReport
from tasks.server_test.storage import Storage
from tasks.verdict import Verdict
from tests.rigs.certificates import Certificates
from tests.rigs.command_line import CommandLine, Done
from tests.rigs.installation import running_installation
from tests.rigs.mailbox import open_mailbox
from tests.rigs.postfix import MAILBOX, PASSWORD, USER, Postfix
from tests.rigs.processes import wait_until
from tests.rigs.scripted_smtp import Later, Script, scripted_server
from tests.rigs.servers_under_test import ServersUnderTest, state_of


def stages(done: Done, place: int = 0) -> dict[str, str]:
    return {stage["stage"]: stage["outcome"] for stage in done.json["servers"][place]["stages"]}


def test_a_worker_makes_the_test_and_is_named(rig: ServersUnderTest, notify: CommandLine) -> None:
    done = notify.process("server", "test", "primary_email", "--json")
    assert done.code == 0, done.err
    assert done.json["ok"] is True
    assert done.json["worker"].startswith("celery@")
    assert done.json["revision"] == rig.installation.runtime.store.snapshot().revision
    assert done.json["overrides"] == []
    (server,) = done.json["servers"]
    assert (server["server"], server["port"], server["tls"]) == ("primary_email", rig.primary.port, "none")
    assert set(stages(done).values()) == {"ok"}


def test_a_person_sees_each_stage_within_80_columns(notify: CommandLine) -> None:
    done = notify.process("server", "test", "chain", "--to", "ops@example.com")
    assert done.code == 0, done.err
    lines = done.out.splitlines()
    assert lines[0].startswith("on worker celery@")
    assert [line for line in lines if line.startswith(("Primary Email  ", "Secondary Email  "))]
    assert sum("✓ RCPT (recipient)" in line for line in lines) == 2
    assert max(map(len, lines)) <= 80


def test_the_last_test_is_in_the_list_with_the_time_the_worker_and_the_failure(
    rig: ServersUnderTest, notify: CommandLine
) -> None:
    rig.primary.answer("MAIL", "550 5.7.60 Client does not have permissions to send as this sender")
    done = notify.process("server", "test", "primary_email")
    assert done.code == 1
    assert "Send As" in " ".join(done.out.split())
    assert done.error == "primary_email: the test failed"
    listed = notify("server", "list", "--json").json["servers"]
    last = listed[0]["last_test"]
    assert (last["ok"], last["stage"], last["code"], last["enhanced"]) == (False, "mail", 550, "5.7.60")
    assert last["worker"].startswith("celery@")
    assert last["as_it_is"] is True
    human = " ".join(notify("server", "list").out.split())
    assert "failed at mail: the account may not send as this sender" in human
    # Another port makes it another server, which that test says nothing of.
    rig.installation.configure(primary=rig.secondary)
    assert notify("server", "list", "--json").json["servers"][0]["last_test"]["as_it_is"] is False


def test_an_unsaved_value_is_tried_and_not_saved(rig: ServersUnderTest, notify: CommandLine) -> None:
    before = rig.installation.runtime.store.snapshot().revision
    connections = rig.primary.connections
    unsaved = f"primary_email.server_port={rig.secondary.port}"
    done = notify.process("server", "test", "primary_email", "--set", unsaved, "--json")
    assert done.code == 0, done.err
    assert done.json["overrides"] == ["primary_email.server_port"]
    assert done.json["servers"][0]["port"] == rig.secondary.port
    assert rig.primary.connections == connections
    assert rig.installation.runtime.store.snapshot().revision == before


def test_the_chain_is_tested_whole_though_its_first_server_fails(
    rig: ServersUnderTest, notify: CommandLine
) -> None:
    rig.primary.go_down()
    done = notify.process("server", "test", "chain", "--json")
    assert done.code == 1
    assert [(each["server"], each["ok"]) for each in done.json["servers"]] == [
        ("primary_email", False),
        ("secondary_email", True),
    ]
    assert done.error == "primary_email: the test failed"


def test_a_chain_that_is_held_says_why(rig: ServersUnderTest, notify: CommandLine) -> None:
    rig.installation.configure(primary=None, secondary=rig.secondary)
    done = notify.process("server", "test", "chain")
    assert (done.code, done.error) == (1, "Primary Email server name is blank")


def test_a_real_message_arrives_where_asked_for(rig: ServersUnderTest, notify: CommandLine) -> None:
    taken = rig.primary.taken
    done = notify.process("server", "test", "primary_email", "--to", "ops@example.com", "--send", "--json")
    assert done.code == 0, done.err
    assert rig.primary.taken == taken + 1
    mail = rig.primary.mails()[-1]
    assert (mail.to, mail.subject) == ("ops@example.com", "Test Notification")
    assert mail.notification_id == done.json["id"]


@pytest.mark.parametrize(
    "arguments, code, error",
    [
        (("primary_sms",), 3, "primary_sms: the server is not set"),
        (("primary_email", "--send"), 2, "--send needs somebody to send to"),
        (("primary_email", "--to", "a@b@c"), 2, "--to: "),
        (("primary_email", "--set", "primary_email.server_port=0"), 2, "primary_email.server_port"),
        (("primary_email", "--set", "primary_email.authentication_password=x"), 2, "never an argument"),
        (("tertiary_email",), 2, "tertiary_email"),
    ],
)
def test_what_cannot_be_tested_is_refused_before_anybody_is_asked(
    notify: CommandLine, arguments: tuple[str, ...], code: int, error: str
) -> None:
    done = notify("server", "test", *arguments)
    assert done.code == code
    assert error in done.error


def test_a_worker_that_dies_in_the_middle_is_told_as_lost(tmp_path: Path) -> None:
    go_on = threading.Event()
    with (
        scripted_server(Script(does={"MAIL": Later(go_on, "250 ok")})) as peer,
        running_installation(tmp_path) as installation,
        installation.worker() as worker,
    ):
        installation.configure(primary=peer.port)
        runtime = installation.runtime
        tests = ServerTests(runtime.redis, runtime.store, runtime.bells)
        test_id = tests.start(Draft("primary_email", by="me"))
        wait_until(lambda: peer.sessions and "MAIL" in peer.sessions[0].verbs(), what="the test at MAIL")
        assert state_of(tests, test_id) == "running"
        worker.kill()
        go_on.set()
        installation.server.advance(16)
        wait_until(lambda: state_of(tests, test_id) == "lost", what="the test being lost")
        assert tests.why_unanswered() == "no worker is alive"


def test_a_test_that_nothing_is_heard_of_for_longer_than_any_step_is_lost(rig: ServersUnderTest) -> None:
    runtime = rig.installation.runtime
    storage = Storage(runtime.redis, "notify")
    now_ms = storage.now_ms()
    report = TestReport("t-silent", "me", now_ms, "running", target="primary_email")
    report.worker, report.told_at_ms = runtime.fleet.alive()[0].name, now_ms
    storage.write(report)
    assert rig.state("t-silent") == "running"
    report.told_at_ms = now_ms - (LONGEST_STEP_SECONDS + 5) * 1000
    storage.write(report)
    assert rig.state("t-silent") == "lost"


def test_a_test_that_breaks_off_says_so_without_quoting_anything(
    rig: ServersUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Silent:
        """Bells that nobody hears."""

        def ask_test(self, test_id: str) -> None:
            del test_id

    def broken(*_: object, **__: object) -> None:
        raise ValueError("somebody@private.example")

    runtime = rig.installation.runtime
    tests = ServerTests(runtime.redis, runtime.store, Silent())  # type: ignore[arg-type]
    test_id = tests.start(Draft("primary_email", by="me"))
    monkeypatch.setattr("tasks.server_test.examiner.examine", broken)
    with pytest.raises(ValueError, match="private"):
        runtime.examiner.make(test_id, worker="w")
    report = tests.read(test_id)
    assert report is not None
    assert (report.state, report.ok) == ("done", False)
    assert report.error == "the test broke off (ValueError); the worker's log says where"


def test_a_server_that_is_passed_over_and_does_well_in_a_test_is_probed_at_once(
    rig: ServersUnderTest,
) -> None:
    runtime = rig.installation.runtime
    server = server_of(runtime.store.snapshot(), "primary_email")
    assert server is not None
    breaker = Breaker(runtime.redis)
    breaker.report(
        server.fingerprint,
        Verdict.MISCONFIGURED,
        name="primary_email",
        token="a",
        began_ms=10**14,
        reason="the server refused the sign-in",
    )
    assert breaker.allows([server.fingerprint])[server.fingerprint].wait_seconds > 30
    test_id = rig.tests.start(Draft("primary_email", by="me"))
    wait_until(lambda: rig.state(test_id) == "done", what="the test being done")
    wait_until(
        lambda: breaker.allows([server.fingerprint])[server.fingerprint].allowed,
        what="the probe finding the server well",
    )


def test_postfix_signs_in_and_takes_the_message(
    rig: ServersUnderTest, notify: CommandLine, postfix: Postfix, certificates: Certificates
) -> None:
    sealed = notify("encrypt", stdin=PASSWORD.encode()).out.strip()
    values = {
        "primary_email.server_name": "localhost",
        "primary_email.server_port": postfix.submission_port,
        "primary_email.enable_ssl": True,
        "primary_email.authentication_user": USER,
        "primary_email.authentication_password": sealed,
        "tls.ca_bundle": certificates.bundle,
    }
    rig.installation.runtime.store.change(values, author="test")
    done = notify.process("server", "test", "primary_email", "--to", MAILBOX, "--send", "--json")
    assert done.code == 0, done.out
    assert set(stages(done)) == {
        *("resolve", "connect", "greeting", "ehlo", "tls", "auth", "mail", "rcpt", "message")
    }
    (text,) = postfix.arrived(done.json["id"])
    assert b"Subject: Test Notification" in text
    failures = postfix.failed_sign_ins()
    wrong = notify("encrypt", stdin=b"wrong").out.strip()
    bad = f"primary_email.authentication_password={wrong}"
    done = notify.process("server", "test", "primary_email", "--set", bad, "--json")
    assert done.code == 1
    assert stages(done)["auth"] == "failed"
    assert stages(done)["mail"] == "not_reached"
    wait_until(lambda: postfix.failed_sign_ins() == failures + 1, what="one failed sign-in in the log")


def test_a_prefork_worker_makes_a_test_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with (
        open_mailbox() as mailbox,
        running_installation(tmp_path) as installation,
        installation.worker("--pool=prefork", "--concurrency=1", "-n", "forked@%h"),
    ):
        installation.configure(primary=mailbox)
        wait_until(installation.runtime.fleet.alive, what="the worker's first sign of life")
        notify = CommandLine(installation.server.url, monkeypatch, capsys, tmp_path / "home")
        done = notify.process("server", "test", "primary_email", "--json")
        assert done.code == 0, done.err
        assert done.json["worker"] == installation.runtime.fleet.alive()[0].name


def test_what_another_version_wrote_is_left_out(rig: ServersUnderTest, notify: CommandLine) -> None:
    redis = rig.installation.runtime.redis
    redis.hset("notify:server_tests:last", "primary_email", '{"at": "yesterday"}')
    redis.set("notify:server_test:old", "[]")
    assert notify("server", "list", "--json").json["servers"][0]["last_test"] is None
    assert rig.tests.read("old") is None


def test_a_key_file_that_is_lost_keeps_nobody_from_testing_without_secrets(
    rig: ServersUnderTest, notify: CommandLine
) -> None:
    missing = {"NOTIFY_KEY_FILE": str(rig.folder / "missing.json")}
    assert notify.process("server", "test", "primary_email", "--json", env=missing).code == 0
    secret = "primary_email.client_secret=@/dev/null"
    refused = notify("server", "test", "primary_email", "--set", secret, env=missing)
    assert refused.code != 0


def test_without_any_worker_the_command_says_so_after_ten_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with running_installation(tmp_path) as installation:
        installation.configure(primary=25)
        notify = CommandLine(installation.server.url, monkeypatch, capsys, tmp_path / "home")
        done = notify.process("server", "test", "primary_email")
        drafts = list(installation.runtime.redis.scan_iter("notify:server_test:*:draft"))
    assert done.code == 1
    assert done.error == "no worker answered within 10 s: no worker is alive; nothing was tested"
    assert "celery -A workers worker" in done.hint
    assert drafts == []
