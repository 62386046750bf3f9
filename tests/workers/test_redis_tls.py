"""Redis over TLS: publisher, command line, broker and a real worker, against Debian's Redis."""

from __future__ import annotations

import contextlib
import json
import re
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
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from kombu.exceptions import OperationalError

from console.cli.faults import redis_fault
from settings_store.environment import InvalidEnvironment, load
from settings_store.redis_client import connect
from tasks.bells import Bells
from tasks.broker import QUEUE_OF_LANE
from tasks.runtime import Runtime
from tests.rigs.certificates import Certificates, from_an_authority_of_old, make_certificates
from tests.rigs.embedded import PROJECT, clean_environment
from tests.rigs.flower import running_flower
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


@pytest.fixture(scope="module")
def mutual(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Encrypted]:
    """A server that lets nobody in without a certificate of its authority."""
    folder = tmp_path_factory.mktemp("mutual")
    certificates = make_certificates(folder)
    own = certificates.authority.issue_cert("worker.example")
    own.private_key_pem.write_to_path(folder / "own.key")
    own.cert_chain_pems[0].write_to_path(folder / "own.pem")
    words = f"ssl_certfile={folder}/own.pem&ssl_keyfile={folder}/own.key"
    with running_tls_redis(
        require_program("redis-server"), folder, certificates.bundle, certificates.chain, clients="yes"
    ) as port:
        yield Encrypted(f"rediss://127.0.0.1:{port}/0?{words}", port, certificates)


@contextlib.contextmanager
def running_tls_redis(
    program: str, folder: Path, bundle: str, chain: str, *, clients: str = "no"
) -> Iterator[int]:
    port = free_port()
    command = [program, "--port", "0", "--tls-port", str(port), "--bind", "127.0.0.1", "--save", ""]
    command += ["--tls-cert-file", chain, "--tls-key-file", chain]
    command += ["--tls-ca-cert-file", bundle, "--tls-auth-clients", clients]
    command += ["--appendonly", "yes", "--dir", str(folder)]
    with (
        (folder / "server.log").open("wb") as log,
        subprocess.Popen(command, stdout=log, stderr=log) as server,
    ):
        try:
            # Its own certificate, with its key in the same file, does for a client's as well.
            client = redis.Redis(
                port=port,
                ssl=True,
                ssl_cert_reqs="none",
                ssl_check_hostname=False,
                ssl_certfile=chain,
                ssl_keyfile=chain,
            )

            def answers() -> bool:
                with contextlib.suppress(redis.ConnectionError):
                    return bool(client.ping())
                return False

            wait_until(answers, seconds=START_DEADLINE_SECONDS, what="the server answering over TLS")
            client.close()
            yield port
        finally:
            server.kill()


def environment_of(server: Encrypted, home: Path) -> dict[str, str]:
    return clean_environment(
        home, NOTIFY_REDIS_URL=server.url, NOTIFY_REDIS_CA_FILE=server.certificates.bundle
    )


@pytest.fixture
def environ(encrypted: Encrypted, tmp_path: Path) -> dict[str, str]:
    return environment_of(encrypted, tmp_path / "home")


def notify(environ: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "console.cli.main", *arguments]
    return subprocess.run(
        command, cwd=PROJECT, env=dict(environ), capture_output=True, text=True, check=False
    )


def test_a_notification_goes_through_publisher_broker_worker_ledger_flower_and_command_line(
    mutual: Encrypted, tmp_path: Path
) -> None:
    environ = environment_of(mutual, tmp_path / "home")
    runtime = Runtime(load(environ), worker="test")
    with open_mailbox() as mailbox:
        runtime.store.change(
            {"primary_email.server_name": "127.0.0.1", "primary_email.server_port": mailbox.port}, author="t"
        )
        log = tmp_path / "worker.log"
        with (
            running_worker(environ, log) as worker,
            running_flower(environ, tmp_path / "flower.log") as flower,
        ):
            wait_until(lambda: "celery@" in flower.ask("/workers?json=1")[1], seconds=60, what="its worker")
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
            row = flower.wait_task(published.id, "SUCCESS")
            assert row["name"] == "notify.deliver"
            status, lengths = flower.ask("/api/queues/length")
            assert (status, {each["name"] for each in json.loads(lengths)["active_queues"]}) == (
                200,
                set(QUEUE_OF_LANE.values()),
            )
            assert flower.ask("/broker")[0] == 200
            assert "certificate" not in worker.log()
    assert "Error" not in (tmp_path / "flower.log").read_text(encoding="utf-8")
    runtime.close()
    listed = notify(environ, "message", "list", "--json")
    assert listed.returncode == 0, listed.stderr
    with socket.create_connection(("127.0.0.1", mutual.port)) as plain:
        # The server has no other port, and takes nothing in clear.
        plain.sendall(b"PING\r\n")
        said = b""
        with contextlib.suppress(ConnectionResetError):
            said = plain.recv(100)
        assert b"PONG" not in said


def test_who_shows_no_certificate_or_a_stranger_s_where_one_is_asked_for_gets_nothing(
    mutual: Encrypted, tmp_path: Path
) -> None:
    environ = environment_of(mutual, tmp_path / "home")
    bare = mutual.url.partition("?")[0]
    stranger = trustme.CA().issue_cert("worker.example")
    stranger.private_key_and_cert_chain_pem.write_to_path(tmp_path / "stranger.pem")
    for url in (bare, f"{bare}?ssl_certfile={tmp_path}/stranger.pem"):
        refused = notify({**environ, "NOTIFY_REDIS_URL": url}, "options", "list")
        assert refused.returncode == 1
        assert "Traceback" not in refused.stderr
        # The server may hang up before its alert is read.
        told = ("asks for a certificate of ours", "does not answer", "does not speak TLS as asked")
        assert any(words in refused.stderr for words in told), refused.stderr


@pytest.mark.parametrize(
    "reason, told",
    [
        ("TLSV13_ALERT_CERTIFICATE_REQUIRED", "asks for a certificate of ours"),
        ("TLSV1_ALERT_UNKNOWN_CA", "asks for a certificate of ours"),
        ("WRONG_VERSION_NUMBER", "does not speak TLS as asked"),
    ],
)
def test_an_alert_of_the_server_is_told_in_words(reason: str, told: str) -> None:
    alert = ssl.SSLError(1, f"[SSL: {reason}]")
    alert.reason = reason
    error = redis.ConnectionError("lost")
    error.__cause__ = alert
    assert told in str(redis_fault(error))


@pytest.mark.parametrize(
    "words, told",
    [
        (
            "ssl_certfile=/none.pem&ssl_keyfile=/none.key",
            "ssl_certfile: /none.pem: no such file or directory",
        ),
        ("ssl_certfile={own}&ssl_keyfile=/none.key", "ssl_keyfile: /none.key: no such file or directory"),
        ("ssl_keyfile={own}", "ssl_keyfile is set without ssl_certfile; allowed: both, or neither"),
        (
            "ssl_certfile={bundle}",
            "ssl_certfile: {bundle}: is no certificate in PEM with its key, or ssl_pass",
        ),
        (
            "ssl_certfile={sealed}",
            "ssl_certfile: {sealed}: is no certificate in PEM with its key, or ssl_pass",
        ),
    ],
)
def test_a_certificate_of_ours_that_cannot_be_shown_is_told_with_its_file(
    encrypted: Encrypted, tmp_path: Path, words: str, told: str
) -> None:
    sealed = tmp_path / "sealed.pem"
    key = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"a password"),
    )
    sealed.write_bytes(key + encrypted.certificates.authority.cert_pem.bytes())
    files = {"own": encrypted.certificates.chain, "bundle": encrypted.certificates.bundle, "sealed": sealed}
    with pytest.raises(InvalidEnvironment, match=re.escape(f"NOTIFY_REDIS_URL: {told.format(**files)}")):
        load({"NOTIFY_REDIS_URL": f"rediss://redis.example/0?{words.format(**files)}"})


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
