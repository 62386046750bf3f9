"""A real RabbitMQ node of its own: own ports, own folder, own name service; a virtual host for each test."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import subprocess
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import kombu

from tests.rigs.certificates import Certificates
from tests.rigs.processes import free_port, require_program, wait_until

USER = "notify"
PASSWORD = "p@ss/wörd:?"
START_DEADLINE_SECONDS = 90.0
CONTROL_DEADLINE_SECONDS = 60.0
#: Debian's wrappers in /usr/sbin start the system's node, as the user that owns it.
_PROGRAMS = Path("/usr/lib/rabbitmq/bin")
#: Made when the node starts, because its command line takes a second for each thing that it does.
_HOSTS = tuple(f"host{number}" for number in range(16))
_STARTED = "Server startup complete"


@dataclass
class RabbitMQ:
    """One node.

    Attributes:
        port: Where it speaks AMQP.
        tls_port: Where it speaks AMQP over TLS; 0 where it has no certificate.
    """

    folder: Path
    port: int
    tls_port: int
    environ: Mapping[str, str]
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    _hosts: list[str] = field(default_factory=lambda: list(_HOSTS))

    def start(self) -> None:
        """Start it, with what it had on its disk; it takes connections when this returns."""
        log = self.folder / "node.log"
        before = log.stat().st_size if log.exists() else 0
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [str(_PROGRAMS / "rabbitmq-server")],
                env=dict(self.environ),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                # Its programs are ended together, by the group.
                start_new_session=True,
            )

        def is_up() -> bool:
            assert self._process is not None
            assert self._process.poll() is None, log.read_text(errors="replace")[-3000:]
            return _STARTED in log.read_text(errors="replace")[before:]

        wait_until(is_up, seconds=START_DEADLINE_SECONDS, what="RabbitMQ being up")

    def kill(self) -> None:
        """End it with no chance to tidy up."""
        self.signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to all its processes."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    def control(self, *arguments: str) -> str:
        """What `rabbitmqctl` answers."""
        ran = subprocess.run(
            [str(_PROGRAMS / "rabbitmqctl"), "--quiet", *arguments],
            env=dict(self.environ),
            cwd=self.folder,
            capture_output=True,
            check=False,
            text=True,
            timeout=CONTROL_DEADLINE_SECONDS,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout

    def take_host(self) -> str:
        """The URL of a virtual host that is empty still."""
        return self.url(self._hosts.pop())

    def url(self, host: str) -> str:
        """The address of a virtual host."""
        return f"amqp://{USER}:{quote(PASSWORD, safe='')}@127.0.0.1:{self.port}/{host}"

    def tls_url(self, host: str) -> str:
        """The same over TLS."""
        return f"amqps://{USER}:{quote(PASSWORD, safe='')}@localhost:{self.tls_port}/{host}"


def as_others_do(url: str) -> kombu.Connection:
    """A connection by kombu's own transport, under the name that leaves it what it is."""
    return kombu.Connection(url.replace("amqp://", "pyamqp://", 1))


def kinds(url: str, queues: Sequence[str]) -> dict[str, str]:
    """Of which of these queues there is one: `quorum` or another kind."""
    found = {}
    with as_others_do(url) as connection:
        for queue in queues:
            channel = connection.channel()
            with contextlib.suppress(connection.channel_errors):
                channel.queue_declare(queue, passive=True)
                found[queue] = "other"
                channel.queue_declare(
                    queue, durable=True, auto_delete=False, arguments={"x-queue-type": "quorum"}
                )
                found[queue] = "quorum"
    return found


@contextlib.contextmanager
def running_rabbitmq(folder: Path, certificates: Certificates | None = None) -> Iterator[RabbitMQ]:
    """Start a node with empty data, and end everything of it.

    Args:
        folder: For its data.
        certificates: For TLS.
    """
    require_program("rabbitmq-server")
    names = require_program("epmd")
    folder.mkdir(parents=True, exist_ok=True)
    port, tls_port, names_port = free_port(), free_port() if certificates else 0, free_port()
    _write_settings(folder, port, tls_port, certificates)
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith("RABBITMQ_")},
        "HOME": str(folder),
        "ERL_EPMD_PORT": str(names_port),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODENAME": f"test{port}@localhost",
        "RABBITMQ_DIST_PORT": str(free_port()),
        "RABBITMQ_MNESIA_BASE": str(folder / "data"),
        "RABBITMQ_LOG_BASE": str(folder / "log"),
        "RABBITMQ_LOGS": "-",
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
        "RABBITMQ_CONF_ENV_FILE": os.devnull,
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
        # One scheduler that sleeps when there is nothing to do: the machine is not the node's alone.
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
            "+S 1:1 +sbwt none -kernel inet_dist_use_interface {127,0,0,1}"
        ),
    }
    node = RabbitMQ(folder, port, tls_port, environ)
    # The node would start one as a daemon, which outlives it.
    with subprocess.Popen([names, "-address", "127.0.0.1", "-port", str(names_port)]) as name_service:
        try:
            node.start()
            yield node
        finally:
            # A node that is stopped by a signal of a test takes no other but this one.
            node.kill()
            name_service.kill()


def _write_settings(folder: Path, port: int, tls_port: int, certificates: Certificates | None) -> None:
    lines = [
        f"listeners.tcp.1 = 127.0.0.1:{port}",
        "vm_memory_high_watermark.absolute = 512MB",
        "disk_free_limit.absolute = 10MB",
        f"load_definitions = {folder / 'definitions.json'}",
    ]
    if certificates:
        lines += [
            f"listeners.ssl.1 = 127.0.0.1:{tls_port}",
            f"ssl_options.cacertfile = {certificates.bundle}",
            f"ssl_options.certfile = {certificates.chain}",
            f"ssl_options.keyfile = {certificates.chain}",
        ]
    (folder / "rabbitmq.conf").write_text("".join(f"{line}\n" for line in lines))
    (folder / "plugins").write_text("[].\n")
    (folder / "definitions.json").write_text(json.dumps(_definitions()))


def _definitions() -> dict[str, object]:
    salt = bytes(4)
    digest = b64encode(salt + hashlib.sha256(salt + PASSWORD.encode()).digest()).decode()
    user = {"name": USER, "password_hash": digest, "hashing_algorithm": "rabbit_password_hashing_sha256"}
    everything = {"configure": ".*", "write": ".*", "read": ".*"}
    return {
        "users": [{**user, "tags": ["administrator"]}],
        "vhosts": [{"name": host} for host in _HOSTS],
        "permissions": [{"user": USER, "vhost": host, **everything} for host in _HOSTS],
    }
