"""A Redis with the users that deploy/redis makes, and what each program that signs in is started with."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis

from settings_store.keyring import generate
from settings_store.redis_client import connect
from tests.rigs.embedded import PROJECT, clean_environment
from tests.rigs.processes import free_port, require_program, running_redis

MAKE_USERS = PROJECT / "deploy" / "redis" / "make_users.py"
NAMES = ("publisher", "worker", "console", "flower")
#: As the container's scripts call it; who needs no key gets none.
WITH_KEYS = ("worker", "console")


def make_users(host: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the program."""
    command = [sys.executable, str(MAKE_USERS), host, str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@dataclass(frozen=True)
class GuardedRedis:
    """The server.

    Attributes:
        admin: Who may do everything.
        folder: Where the users' files are, and a key file.
    """

    admin: redis.Redis
    folder: Path

    def url(self, name: str) -> str:
        """By which a program signs in; the password is in it."""
        return (self.folder / name / "redis-url").read_text(encoding="utf-8").strip()

    def password(self, name: str) -> str:
        """Of a program's user."""
        return self.url(name).partition("@")[0].rpartition(":")[2]

    def environ(self, name: str, **more: str) -> dict[str, str]:
        """What the program is started with."""
        keys = {"NOTIFY_KEY_FILE": str(self.folder / "keys.json")} if name in WITH_KEYS else {}
        file = str(self.folder / name / "redis-url")
        return clean_environment(self.folder / "home", NOTIFY_REDIS_URL_FILE=file, **keys, **more)

    def client(self, name: str) -> redis.Redis:
        """Somebody who has signed in as a program."""
        return connect(self.url(name), retries=0)

    def refuses(self, name: str, *command: str) -> bool:
        """Whether the server says that a user may not; nothing is done."""
        said: Any = self.admin.acl_dryrun(f"notify-{name}", *command)
        return bool(said != "OK")

    def refused(self) -> list[tuple[str, str, str]]:
        """User, reason and object of all that was refused since the log was reset."""
        refusals: Any = self.admin.acl_log()
        return [(each["username"], each["reason"], each["object"]) for each in refusals]


@contextlib.contextmanager
def running_guarded_redis(folder: Path) -> Iterator[GuardedRedis]:
    """Start it; every user has a password of its own."""
    port, data = free_port(), folder / "data"
    data.mkdir()
    made = make_users(f"127.0.0.1:{port}", folder)
    assert made.returncode == 0, made.stderr
    generate(folder / "keys.json")
    users = str(folder / "redis" / "users.acl")
    with running_redis(require_program("redis-server"), data, "--aclfile", users, port=port) as url:
        password = (folder / "redis" / "admin-password").read_text(encoding="utf-8").strip()
        admin = redis.Redis.from_url(url, username="notify-admin", password=password, decode_responses=True)
        yield GuardedRedis(admin, folder)
        admin.close()
