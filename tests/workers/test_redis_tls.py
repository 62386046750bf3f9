"""Redis over TLS: publisher, command line, broker and a real worker, against Debian's Redis."""

from __future__ import annotations

import contextlib
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis
import trustme
from kombu.exceptions import OperationalError

from console.cli.faults import redis_fault
from settings_store.environment import load
from settings_store.redis_client import connect
from tasks.bells import Bells
from tasks.runtime import Runtime
from tests.rigs.certificates import Certificates, from_an_authority_of_old, make_certificates
from tests.rigs.embedded import PROJECT, clean_environment
from tests.rigs.foreign_app import send_tasks
from tests.rigs.mailbox import open_mailbox
from tests.rigs.notifications import email
from tests.rigs.processes import START_DEADLINE_SECONDS, free_port, require_program, wait_until
from tests.rigs.worker import running_worker


@dataclass(frozen=True)
class Encrypted:
    """A server that speaks TLS alone."""

    url: str
    port: int
    certificates: Certificates


@pytest.fixture(scope="module")
def encrypted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Encrypted]:
    folder = tmp_path_factory.mktemp("encrypted")
    certificates = make_certificates(folder)
    with running_tls_redis(
        require_program("redis-server"), folder, certificates.bundle, certificates.chain
    ) as port:
        yield Encrypted(f"rediss://127.0.0.1:{port}/0", port, certificates)


@contextlib.contextmanager
def running_tls_redis(program: str, folder: Path, bundle: str, chain: str) -> Iterator[int]:
    port = free_port()
    command = [program, "--port", "0", "--tls-port", str(port), "--bind", "127.0.0.1", "--save", ""]
    command += ["--tls-cert-file", chain, "--tls-key-file", chain]
    command += ["--tls-ca-cert-file", bundle, "--tls-auth-clients", "no"]
    command += ["--appendonly", "yes", "--dir", str(folder)]
    with (
        (folder / "server.log").open("wb") as log,
        subprocess.Popen(command, stdout=log, stderr=log) as server,
    ):
        try:
            client = redis.Redis(port=port, ssl=True, ssl_cert_reqs="none", ssl_check_hostname=False)

            def answers() -> bool:
                with contextlib.suppress(redis.ConnectionError):
                    return bool(client.ping())
                return False

            wait_until(answers, seconds=START_DEADLINE_SECONDS, what="the server answering over TLS")
            client.close()
            yield port
        finally:
            server.kill()


@pytest.fixture
def environ(encrypted: Encrypted, tmp_path: Path) -> dict[str, str]:
    return clean_environment(
        tmp_path / "home", NOTIFY_REDIS_URL=encrypted.url, NOTIFY_REDIS_CA_FILE=encrypted.certificates.bundle
    )


def notify(environ: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "console.cli.main", *arguments]
    return subprocess.run(
        command, cwd=PROJECT, env=dict(environ), capture_output=True, text=True, check=False
    )


def test_a_notification_goes_through_publisher_broker_worker_ledger_and_command_line(
    encrypted: Encrypted, environ: dict[str, str], tmp_path: Path
) -> None:
    runtime = Runtime(load(environ), worker="test")
    with open_mailbox() as mailbox:
        runtime.store.change(
            {"primary_email.server_name": "127.0.0.1", "primary_email.server_port": mailbox.port}, author="t"
        )
        log = tmp_path / "worker.log"
        with running_worker(environ, log) as worker:
            published = runtime.publisher.publish(email())
            shown = notify(
                environ, "send", "email", "--to", "ops@example.com", "--subject", "S", "--message", "M"
            )
            assert shown.returncode == 0, shown.stdout + shown.stderr
            (outcome,) = send_tasks(
                load(environ).broker_url, [{"kwargs": {"notification": email()}}], folder=tmp_path
            )
            ids = [published.id, outcome["task"]]
            wait_until(
                lambda: all(mailbox.counts()[each] == 1 for each in ids) and len(mailbox.counts()) == 3,
                what="three mails",
            )
            assert "certificate" not in worker.log()
    runtime.close()
    listed = notify(environ, "message", "list", "--json")
    assert listed.returncode == 0, listed.stderr
    with socket.create_connection(("127.0.0.1", encrypted.port)) as plain:
        # The server has no other port, and takes nothing in clear.
        plain.sendall(b"PING\r\n")
        said = b""
        with contextlib.suppress(ConnectionResetError):
            said = plain.recv(100)
        assert b"PONG" not in said


def test_the_copied_client_sends_over_tls(environ: dict[str, str]) -> None:
    program = "import sys; sys.path.insert(0, 'clients'); import notify_client as c; "
    program += "print(c.send('email', ['a@b.example'], 'M', subject='S').id)"
    sent = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT, env=environ, capture_output=True, text=True, check=False
    )
    assert sent.returncode == 0, sent.stderr
    client = connect(load(environ).redis_url)
    assert client.llen("notify.normal") >= 1
    client.flushall()
    client.close()


def test_a_server_that_is_not_trusted_is_refused_with_the_cure(
    encrypted: Encrypted, environ: dict[str, str], tmp_path: Path
) -> None:
    stranger = tmp_path / "stranger.pem"
    trustme.CA().cert_pem.write_to_path(stranger)
    environ["NOTIFY_REDIS_CA_FILE"] = str(stranger)
    refused = notify(environ, "options", "list")
    assert refused.returncode == 1
    assert refused.stderr.startswith(
        f"error: Redis at 127.0.0.1:{encrypted.port} proves by no trusted certificate who it is: "
    )
    assert "hint: name its authority's file in NOTIFY_REDIS_CA_FILE" in refused.stderr
    log = tmp_path / "worker.log"
    with running_worker(environ, log, wait=False) as worker:
        worker.wait_logged("certificate verify failed")
        assert " ready." not in worker.log()


def test_an_authority_whose_form_this_python_refuses_is_told_with_the_cure(tmp_path: Path) -> None:
    bundle, _, _ = from_an_authority_of_old(tmp_path)
    chain = str(tmp_path / "old-server.pem")
    with running_tls_redis(require_program("redis-server"), tmp_path, bundle, chain) as port:
        url = f"rediss://localhost:{port}/0?ssl_cert_reqs=required&ssl_ca_certs={bundle}"
        # What 3.13 asks without being told.
        client = redis.Redis.from_url(f"{url}&ssl_include_verify_flags=VERIFY_X509_STRICT")
        with pytest.raises(redis.ConnectionError) as caught:
            client.ping()
        client.close()
    told = redis_fault(caught.value)
    assert "proves by no trusted certificate who it is" in str(told)
    assert "issued anew in the form of RFC 5280" in told.hint


def test_the_systems_authorities_are_asked_where_no_file_is_named(environ: dict[str, str]) -> None:
    del environ["NOTIFY_REDIS_CA_FILE"]
    refused = notify(environ, "options", "list")
    assert refused.returncode == 1
    assert "proves by no trusted certificate who it is" in refused.stderr


def test_a_certificate_for_another_name_is_refused(tmp_path: Path) -> None:
    authority = trustme.CA()
    bundle, chain = tmp_path / "authority.pem", tmp_path / "server.pem"
    authority.cert_pem.write_to_path(bundle)
    authority.issue_cert("redis.elsewhere.test").private_key_and_cert_chain_pem.write_to_path(chain)
    certificates = Certificates(authority, str(bundle), str(chain))
    program = require_program("redis-server")
    with running_tls_redis(program, tmp_path, certificates.bundle, certificates.chain) as port:
        environ = clean_environment(
            tmp_path / "home",
            NOTIFY_REDIS_URL=f"rediss://127.0.0.1:{port}/0",
            NOTIFY_REDIS_CA_FILE=str(bundle),
        )
        refused = notify(environ, "options", "list")
        assert refused.returncode == 1
        assert "IP address mismatch" in refused.stderr
        with pytest.raises(OperationalError):
            Bells(load(environ).broker_url).depth("normal")


def test_a_server_that_breaks_off_the_handshake_is_told() -> None:
    error = redis.ConnectionError("lost")
    error.__cause__ = ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number")
    assert "does not speak TLS as asked" in str(redis_fault(error))
