"""The users that deploy/redis has, in a real Redis: each does its whole work, and nothing beside it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import redis

from settings_store.environment import load
from settings_store.redis_client import connect
from tasks.runtime import Runtime
from tests.rigs.embedded import PROJECT, clean_environment
from tests.rigs.foreign_app import send_tasks
from tests.rigs.mailbox import open_mailbox
from tests.rigs.notifications import email
from tests.rigs.processes import require_program, running_redis, wait_until
from tests.rigs.worker import running_worker

NAMES = ("publisher", "worker", "console")
REFUSED_TO_ALL = (
    "FLUSHALL",
    "FLUSHDB",
    "CONFIG SET maxmemory 1",
    "KEYS *",
    "SHUTDOWN NOSAVE",
    "ACL LIST",
    "MONITOR",
    "CLIENT KILL ID 1",
    "SCRIPT FLUSH",
    "GET other:key",
    "SET other:key x",
    "SWAPDB 0 1",
    "MIGRATE 127.0.0.1 1 notify:settings 0 1",
    "FUNCTION LIST",
)


@dataclass(frozen=True)
class Guarded:
    """A server with these users."""

    admin: redis.Redis
    url: str

    def url_of(self, name: str) -> str:
        return self.url.replace("redis://", f"redis://notify-{name}:{name.upper()}_PASSWORD@")

    def refuses(self, name: str, command: str) -> bool:
        with connect(self.url_of(name), retries=0) as client:
            try:
                client.execute_command(*command.split())
            except redis.exceptions.NoPermissionError:
                return True
        return False


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    folder = tmp_path_factory.mktemp("guarded")
    lines = (PROJECT / "deploy/redis/users.acl").read_text(encoding="utf-8").splitlines()
    users = [line for line in lines if line.startswith("user ") and "default" not in line.split()[:2]]
    users.append("user default on nopass ~* &* +@all")  # the test's administrator
    file = folder / "users.acl"
    file.write_text("\n".join(users) + "\n", encoding="utf-8")
    with running_redis(require_program("redis-server"), folder, "--aclfile", str(file)) as url:
        yield Guarded(redis.Redis.from_url(url, decode_responses=True), url)


def test_the_three_do_their_whole_work_and_redis_refuses_none_of_it(guarded: Guarded, tmp_path: Path) -> None:
    guarded.admin.acl_log_reset()
    environ = {
        name: clean_environment(tmp_path / "home", NOTIFY_REDIS_URL=guarded.url_of(name)) for name in NAMES
    }
    console = Runtime(load(environ["console"]), worker="test")
    with open_mailbox() as mailbox, running_worker(environ["worker"], tmp_path / "worker.log"):
        console.store.change(
            {"primary_email.server_name": "127.0.0.1", "primary_email.server_port": mailbox.port}, author="t"
        )
        call: dict[str, Any] = {"kwargs": {"notification": email()}, "wait": 30}
        (outcome,) = send_tasks(guarded.url_of("publisher"), [call], folder=tmp_path)
        assert outcome["answer"]["number"] == 1, outcome
        wait_until(lambda: mailbox.counts()[outcome["task"]] == 1, what="the mail")
        for words in (
            "send email --to a@b.example --subject S --message M",
            "message list",
            f"message show {outcome['task']}",
            "options list",
            "options set text.history_days=9 --reason r",
            "options history",
            "audit list",
            "server list",
            "server test primary_email",
            "role add operators --privilege manage_notifications",
            "doctor",
        ):
            done = subprocess.run(
                [sys.executable, "-m", "console.cli.main", *words.split()],
                cwd=PROJECT,
                env=environ["console"],
                capture_output=True,
                text=True,
                check=False,
            )
            assert "does not allow this user" not in done.stderr, (words, done.stderr)
            assert "no such option" not in done.stderr, (words, done.stderr)
        wait_until(lambda: sum(mailbox.counts().values()) >= 2, what="the second mail")
    console.close()
    refused = [(each["username"], each["reason"], each["object"]) for each in guarded.admin.acl_log()]
    assert refused == [], refused


@pytest.mark.parametrize("command", REFUSED_TO_ALL)
@pytest.mark.parametrize("name", NAMES)
def test_nobody_may_do_what_nobody_needs(guarded: Guarded, name: str, command: str) -> None:
    assert guarded.refuses(name, command)


@pytest.mark.parametrize(
    "command",
    [
        "HGETALL notify:n:some",
        "HGETALL notify:settings",
        "HSET notify:settings values x",
        "LRANGE notify.normal 0 -1",
        "BRPOP notify.normal 1",
        "SET celery-task-meta-some x",
        "PUBLISH /0.celery.pidbox x",
        "EVAL return 0",
        "DEL notify.normal",
        "SCAN 0",
        "HGETALL notify.unacked",
    ],
)
def test_a_publisher_reads_no_notification_and_changes_no_option(guarded: Guarded, command: str) -> None:
    assert guarded.refuses("publisher", command)


@pytest.mark.parametrize(
    "command",
    [
        "HSET notify:settings values x",
        "HGETALL notify:access",
        "GET notify:session:x",
        "XADD notify:audit * a b",
    ],
)
def test_a_worker_changes_no_option_and_sees_no_account(guarded: Guarded, command: str) -> None:
    assert guarded.refuses("worker", command)
