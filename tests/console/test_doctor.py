"""`notify doctor` against real servers that are set badly, and against ones that are set well."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import redis
from celery import Celery

from settings_store.keyring import generate
from settings_store.store import SettingsStore
from tests.rigs.command_line import CommandLine, Done
from tests.rigs.installation import running_installation
from tests.rigs.mailbox import open_mailbox
from tests.rigs.notifications import email, text
from tests.rigs.processes import free_port, running_redis, wait_until


def checks(done: Done) -> dict[str, str]:
    """The level of each check; the worst where it comes twice."""
    order = ("ok", "warn", "error")
    levels: dict[str, str] = {}
    for finding in done.json["findings"]:
        known = levels.get(finding["check"], "ok")
        levels[finding["check"]] = max(known, finding["level"], key=order.index)
    return levels


def test_a_fresh_redis_without_workers_and_options_is_told_what_is_missing(notify: CommandLine) -> None:
    done = notify("doctor", "--json")
    assert done.code == 1
    found = checks(done)
    assert found["workers.alive"] == "error"
    assert found["options.primary_email"] == "error"
    assert found["redis.persistence"] == "warn"  # the tests' server syncs every second
    assert found["redis.version"] == "ok"
    assert found["keys.file"] == "ok"
    assert list(done.json) == ["ok", "errors", "warnings", "findings"]
    assert list(done.json["findings"][0]) == ["check", "level", "what", "why", "fix"]


def test_a_person_reads_what_why_and_the_command_within_80_columns(notify: CommandLine) -> None:
    done = notify("doctor")
    assert done.code == 1
    assert "✗ no worker is alive" in done.out
    assert "→ `celery -A workers worker`" in done.out
    lines = done.out.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[-1].startswith("2 errors, ")
    assert lines.index("  ✗ no worker is alive") > lines.index(
        "  ✓ no secret is set, so no key file is needed"
    )


def test_a_real_installation_that_is_set_well_is_well_even_strictly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    key_file = tmp_path / "keys.json"
    generate(key_file)
    options = ["--maxmemory", "256mb", "--maxmemory-policy", "noeviction", "--appendfsync", "always"]
    with (
        open_mailbox() as mailbox,
        running_installation(tmp_path, *options, NOTIFY_KEY_FILE=str(key_file)) as installation,
    ):
        installation.configure(primary=mailbox)
        notify = CommandLine(installation.server.url, monkeypatch, capsys, tmp_path / "home")
        notify.env["NOTIFY_KEY_FILE"] = str(key_file)
        with installation.worker() as worker:
            wait_until(installation.runtime.fleet.alive, what="the worker's first sign of life")
            done = notify.process("doctor", "--strict", "--json")
            assert (done.code, done.json["warnings"]) == (0, 0), done.out
            assert worker.stop() < 30
        # A worker that stops in order takes its name away; nobody is left to deliver.
        gone = checks(notify.process("doctor", "--json"))
        assert gone["workers.alive"] == "error"
        assert "workers.gone" not in gone


def test_without_strict_a_warning_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with running_installation(tmp_path, "--appendfsync", "always") as installation:
        installation.configure(primary=25)
        notify = CommandLine(installation.server.url, monkeypatch, capsys, tmp_path / "home")
        with installation.worker():
            wait_until(installation.runtime.fleet.alive, what="the worker's first sign of life")
            done = notify("doctor", "--json")
            assert (done.code, done.json["ok"]) == (0, True), done.out
            assert done.json["warnings"] > 0
            assert notify("doctor", "--strict").code == 1


def test_snapshots_alone_and_an_evicting_redis_are_errors(
    valkey_program: str, tmp_path: Path, notify: CommandLine
) -> None:
    options = ["--appendonly", "no", "--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru"]
    with running_redis(valkey_program, tmp_path, *options) as url:
        found = checks(notify("doctor", "--json", env={"NOTIFY_REDIS_URL": url}))
    assert found["redis.persistence"] == "error"
    assert found["redis.eviction"] == "error"


def test_a_user_who_may_not_read_the_configuration_still_gets_the_rest(
    notify: CommandLine, redis_server: redis.Redis
) -> None:
    redis_server.acl_setuser(
        "looker", enabled=True, passwords=["+pw"], keys=["*"], channels=["*"], commands=["+@all", "-config"]
    )
    url = notify.env["NOTIFY_REDIS_URL"].replace("redis://", "redis://looker:pw@")
    try:
        done = notify("doctor", "--json", env={"NOTIFY_REDIS_URL": url})
    finally:
        redis_server.acl_deluser("looker")
    (finding,) = (each for each in done.json["findings"] if each["check"] == "redis.persistence")
    assert finding["what"] == "Redis does not tell its appendfsync"


def test_a_redis_that_is_away_is_the_one_finding(notify: CommandLine) -> None:
    url = f"redis://:geheim@127.0.0.1:{free_port()}/0"
    done = notify("doctor", "--json", env={"NOTIFY_REDIS_URL": url})
    assert done.code == 1
    (finding,) = done.json["findings"]
    assert (finding["check"], finding["level"]) == ("redis.reach", "error")
    assert "make up" in finding["fix"]
    assert "geheim" not in done.out + done.err


def test_a_broker_that_is_away_is_told_apart_from_redis(notify: CommandLine) -> None:
    env = {"NOTIFY_BROKER_URL": f"redis://127.0.0.1:{free_port()}/0"}
    assert checks(notify("doctor", "--json", env=env))["broker.reach"] == "error"


def celery_message(task: str) -> str:
    return json.dumps({"body": "", "headers": {"task": task, "id": "1"}, "properties": {}})


def test_messages_of_ours_in_the_queue_celery_are_counted_and_those_of_others_left_alone(
    notify: CommandLine, redis_server: redis.Redis
) -> None:
    redis_server.lpush("celery", celery_message("notify.submit"), celery_message("notify.submit"))
    (finding,) = stranded(notify)
    assert finding["what"] == "2 notify.* messages lie in the queue celery"
    assert "RPOPLPUSH celery notify.normal" in finding["fix"]
    redis_server.lpush("celery", celery_message("theirs.task"), "garbage")
    (finding,) = stranded(notify)
    assert finding["what"] == "2 notify.* messages lie in the queue celery"
    assert "RPOPLPUSH" not in finding["fix"]


def test_the_command_that_moves_stranded_submissions_has_them_delivered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with open_mailbox() as mailbox, running_installation(tmp_path) as installation:
        installation.configure(primary=mailbox)
        notify = CommandLine(installation.server.url, monkeypatch, capsys, tmp_path / "home")
        theirs = Celery("theirs", broker=installation.server.url, set_as_current=False)
        theirs.send_task("notify.submit", kwargs={"notification": email(subject="stranded")})
        theirs.close()
        (finding,) = stranded(notify)
        words = finding["fix"].partition("`")[2].partition("`")[0].split()
        command = words[words.index("RPOPLPUSH") :][:3]
        assert command == ["RPOPLPUSH", "celery", "notify.normal;"]
        installation.runtime.redis.rpoplpush("celery", "notify.normal")
        with installation.worker():
            wait_until(lambda: mailbox.taken == 1, what="the submission being delivered")
            assert stranded(notify)[0]["level"] == "ok"


def stranded(notify: CommandLine) -> list[dict[str, Any]]:
    found = notify("doctor", "--json").json["findings"]
    return [each for each in found if each["check"] == "broker.stranded"]


def test_a_consumer_that_is_none_of_ours_is_found_by_what_it_holds(
    notify: CommandLine, redis_server: redis.Redis
) -> None:
    redis_server.hset("unacked", "t1", json.dumps([{"body": ""}, "", "notify.normal"]))
    redis_server.hset("unacked", "t2", json.dumps([{"body": ""}, "", "theirs"]))
    assert checks(notify("doctor", "--json"))["broker.foreign_consumer"] == "error"


def test_a_secret_that_does_not_open_here_names_its_option(
    notify: CommandLine, key_file: Path, store: SettingsStore, tmp_path: Path
) -> None:
    del store, key_file
    sealed = notify("encrypt", stdin=b"secret").out.strip()
    set_it = (f"primary_email.authentication_password={sealed}", "--reason", "x")
    assert notify("options", "set", *set_it).code == 0
    assert checks(notify("doctor", "--json"))["keys.file"] == "ok"
    other = tmp_path / "other.json"
    generate(other)
    done = notify("doctor", "--json", env={"NOTIFY_KEY_FILE": str(other)})
    (finding,) = (each for each in done.json["findings"] if each["check"] == "keys.secret")
    assert finding["what"].startswith("primary_email.authentication_password cannot be opened here")
    other.chmod(0o644)
    done = notify("doctor", "--json", env={"NOTIFY_KEY_FILE": str(other)})
    (finding,) = (each for each in done.json["findings"] if each["check"] == "keys.file")
    assert finding["fix"] == f"`chmod 600 {other}`"


def test_recent_texts_to_an_ended_gateway_are_found_without_showing_an_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with running_installation(tmp_path) as installation:
        installation.publisher.publish(text(to=["2125551234@txt.att.net"]))
        installation.publisher.publish(text(to=["2125551234@alive.example"]))
        notify = CommandLine(installation.server.url, monkeypatch, capsys, tmp_path / "home")
        done = notify("doctor", "--json")
    (finding,) = (each for each in done.json["findings"] if each["check"] == "options.carrier_gateway")
    assert finding["what"] == "1 of the last notifications went to txt.att.net"
    assert "2125551234" not in done.out


def test_what_is_overdue_without_a_worker_is_a_backlog(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with running_installation(tmp_path) as installation:
        installation.publish()
        notify = CommandLine(installation.server.url, monkeypatch, capsys, tmp_path / "home")
        assert checks(notify("doctor", "--json"))["messages.backlog"] == "ok"
        installation.server.advance(1200)
        assert checks(notify("doctor", "--json"))["messages.backlog"] == "error"


def test_damaged_options_hide_nothing_else(notify: CommandLine, redis_server: redis.Redis) -> None:
    redis_server.hset("notify:settings", mapping={"revision": "1", "values": "no json"})
    done = notify("doctor", "--json")
    assert done.code == 1
    found = checks(done)
    assert found["unread.options"] == "error"
    assert found["redis.version"] == "ok"
    assert "workers.alive" in found
