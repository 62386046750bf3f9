"""A primary, two replicas and three Sentinels, all with passwords: what a failover is made of."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import redis

from settings_store.redis_client import connect
from tests.rigs.faketime_redis import FaketimeRedis
from tests.rigs.processes import START_DEADLINE_SECONDS, free_port, require_program, wait_until

SERVICE = "notify-ledger"
PASSWORD = "p@ss:word/1"
SENTINEL_PASSWORD = "s3ntinel&pass"
#: So long a primary is away before Sentinels speak of it.
DOWN_AFTER_MS = 1500
FAILOVER_DEADLINE_SECONDS = 90.0


class SentinelSet:
    """A Redis with replicas, and the Sentinels that watch it.

    Attributes:
        url: The one address.
    """

    def __init__(self, folder: Path, *options: str) -> None:
        self._folder = folder
        self._program = require_program("redis-server")
        # Its time is moved by minutes, which is no silence of the other side.
        shared = ("--repl-timeout", "100000", "--repl-diskless-sync-delay", "0", *options)
        first = FaketimeRedis(_made(folder / "redis0"), *shared, program=self._program, password=PASSWORD)
        follow = (*shared, "--replicaof", f"127.0.0.1 {first.port}")
        others = [
            FaketimeRedis(_made(folder / f"redis{n}"), *follow, program=self._program, password=PASSWORD)
            for n in (1, 2)
        ]
        self.servers = [first, *others]
        self._sentinels = [free_port() for _ in range(3)]
        self._running: list[subprocess.Popen[bytes]] = []
        hosts = ",".join(f"127.0.0.1:{port}" for port in self._sentinels)
        words = f"service={SERVICE}&sentinel_password={quote(SENTINEL_PASSWORD, safe='')}"
        self.url = f"sentinel://:{quote(PASSWORD, safe='')}@{hosts}/0?{words}"

    def start(self) -> None:
        """Start what does not run; the replicas have what the primary has when this returns."""
        for server in self.servers:
            if not server.runs:
                server.start()
        if not self._running:
            self._running = [self._start_sentinel(port) for port in self._sentinels]
        wait_until(
            lambda: self._replicas() == len(self.servers) - 1 and self._known() == len(self.servers) - 1,
            seconds=FAILOVER_DEADLINE_SECONDS,
            what="the replicas following and the Sentinels knowing them",
        )

    def stop(self) -> None:
        """Kill all of it."""
        for sentinel in self._running:
            sentinel.kill()
            sentinel.wait()
        self._running = []
        for server in self.servers:
            server.stop()

    def advance(self, seconds: float) -> None:
        """Let the time of all servers pass."""
        for server in self.servers:
            server.advance(seconds)

    def primary(self) -> FaketimeRedis:
        """The server that Sentinels name now."""
        client: Any = redis.Redis(port=self._sentinels[0], password=SENTINEL_PASSWORD, decode_responses=True)
        with contextlib.closing(client):
            _, port = client.execute_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", SERVICE)
        return next(server for server in self.servers if server.port == int(port))

    def kill_primary(self) -> FaketimeRedis:
        """Kill the primary, as a power cut would; the server that it was."""
        primary = self.primary()
        primary.stop()
        return primary

    def wait_other_primary(self, than: FaketimeRedis) -> None:
        """Wait until Sentinels name another, and that one takes writes."""

        def is_other() -> bool:
            if self.primary() is than:
                return False
            with contextlib.suppress(redis.RedisError), connect(self.url, retries=0) as client:
                return bool(client.info("replication")["role"] == "master")
            return False

        wait_until(is_other, seconds=FAILOVER_DEADLINE_SECONDS, what="another primary")

    def _replicas(self) -> int:
        with contextlib.suppress(redis.RedisError), connect(self.url, retries=0) as client:
            found = client.info("replication")
            return sum(found.get(f"slave{n}", {}).get("state") == "online" for n in range(len(self.servers)))
        return 0

    def _known(self) -> int:
        """How many replicas the Sentinel knows that knows fewest, where each knows the others too."""
        fewest = len(self.servers)
        for port in self._sentinels:
            client: Any = redis.Redis(port=port, password=SENTINEL_PASSWORD, decode_responses=True)
            with contextlib.closing(client), contextlib.suppress(redis.RedisError):
                state = client.sentinel_master(SERVICE)
                others = int(state["num-other-sentinels"])
                fewest = min(fewest, int(state["num-slaves"]) if others == len(self._sentinels) - 1 else 0)
        return fewest

    def _start_sentinel(self, port: int) -> subprocess.Popen[bytes]:
        folder = _made(self._folder / f"sentinel{port}")
        settings = folder / "sentinel.conf"
        settings.write_text(
            f"port {port}\n"
            "bind 127.0.0.1\n"
            f'dir "{folder}"\n'
            f'requirepass "{SENTINEL_PASSWORD}"\n'
            f'sentinel sentinel-pass "{SENTINEL_PASSWORD}"\n'
            f"sentinel monitor {SERVICE} 127.0.0.1 {self.servers[0].port} 2\n"
            f'sentinel auth-pass {SERVICE} "{PASSWORD}"\n'
            f"sentinel down-after-milliseconds {SERVICE} {DOWN_AFTER_MS}\n"
            f"sentinel failover-timeout {SERVICE} 10000\n"
        )
        with (folder / "log").open("ab") as log:
            process = subprocess.Popen([self._program, str(settings), "--sentinel"], stdout=log, stderr=log)

        def answers() -> bool:
            client = redis.Redis(port=port, password=SENTINEL_PASSWORD)
            with contextlib.closing(client), contextlib.suppress(redis.RedisError):
                return bool(client.ping())
            return False

        wait_until(answers, seconds=START_DEADLINE_SECONDS, what="a Sentinel answering")
        return process


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextlib.contextmanager
def running_sentinels(folder: Path, *options: str) -> Iterator[SentinelSet]:
    """All of them running; options go to each server's command line."""
    made = SentinelSet(folder, *options)
    try:
        made.start()
        yield made
    finally:
        made.stop()
