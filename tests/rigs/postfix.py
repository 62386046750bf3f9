"""Postfix with Dovecot's sign-in: a real mail server on loopback ports, all in a folder of its own.

It takes mail for `ops@corp.test` and `jürgen@corp.test` into a Maildir, relays only for those who signed in,
and throws away what it relays.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.rigs.processes import free_port, require_program, wait_until

USER = "notify@corp.test"
PASSWORD = "open sesame"
UMLAUT_USER = "jürgen@corp.test"
UMLAUT_PASSWORD = "Grüße, 世界"
MAILBOX = "ops@corp.test"
UMLAUT_MAILBOX = "jürgen@corp.test"
ISSUER = "https://localhost/tenant/v2.0"
SIZE_BYTES = 2_000_000
_APPLICATION, _KEY_ID = "app", "key1"
_NOBODY = 65_534
_QUEUES = (
    *("active", "bounce", "corrupt", "defer", "deferred", "flush"),
    *("hold", "incoming", "private", "saved", "trace"),
)


@dataclass(frozen=True)
class Postfix:
    """A running server.

    Attributes:
        plain_port: No TLS, no sign-in; takes mail for its own domain only.
        submission_port: STARTTLS, then sign-in, as port 587.
        login_port: The same, with LOGIN only.
        implicit_port: TLS from the start, then sign-in, as port 465.
    """

    folder: Path
    plain_port: int
    submission_port: int
    login_port: int
    implicit_port: int

    @property
    def maillog(self) -> str:
        """What the server wrote so far."""
        return (self.folder / "maillog").read_text(errors="replace")

    def failed_sign_ins(self) -> int:
        """Sign-ins that the server refused; a lock-out counts these."""
        return len(re.findall(r"SASL \S+ authentication failed", self.maillog))

    def messages(self) -> list[bytes]:
        """What arrived so far, of both mailboxes."""
        return [path.read_bytes() for path in (self.folder / "mail").glob("*/new/*")]

    def arrived(self, mark: str, count: int = 1) -> list[bytes]:
        """The messages that hold the mark, once there are so many of them."""

        def found() -> list[bytes]:
            return [text for text in self.messages() if mark.encode() in text]

        wait_until(lambda: len(found()) >= count, what=f"{count} messages with {mark} in the Maildir")
        return found()

    def token(self, mailbox: str, *, valid_seconds: int = 600, roles: Sequence[str] = ()) -> str:
        """A token that the server accepts for a mailbox, while it is valid; roles are not looked at."""
        now = int(time.time())
        claims = {"azp": _APPLICATION, "iss": ISSUER, "sub": "notifier", "upn": mailbox, "iat": now}
        claims["roles"] = [*roles]
        key = (self.folder / "dovecot" / "token.key").read_bytes()
        return jwt.encode(
            {**claims, "exp": now + valid_seconds}, key, algorithm="RS256", headers={"kid": _KEY_ID}
        )


@contextlib.contextmanager
def running_postfix(certificate_chain: str) -> Iterator[Postfix]:
    """Start both programs; they are ended by their ids, and their folder goes with them."""
    programs = [require_program(name) for name in ("postfix", "postconf", "dovecot")]
    if os.geteuid() != 0:
        if os.environ.get("CI"):
            pytest.fail("CI must run as root: Postfix starts only so")
        pytest.skip("needs root for Postfix")
    # Not pytest's folder: the users of the two programs may not enter that one.
    folder = Path(tempfile.mkdtemp(prefix="postfix-"))
    try:
        folder.chmod(0o755)
        shutil.copy(certificate_chain, folder / "server.pem")
        ports = [free_port() for _ in range(4)]
        rig = Postfix(folder, *ports)
        _, postconf, dovecot = programs
        _write_dovecot(folder)
        _write_postfix(rig)
        with _running([dovecot, "-F", "-c", str(folder / "dovecot" / "dovecot.conf")]):
            wait_until((folder / "dovecot" / "run" / "auth-postfix").exists, what="Dovecot's socket")
            with _running([*_master(postconf), "-c", str(folder / "postfix"), "-d"]):
                wait_until(lambda: all(map(_greets, ports[:3])), what="Postfix greeting")
                yield rig
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _running(command: Sequence[str]) -> Iterator[None]:
    # A session of its own: both programs end their children by their process group.
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as program:
        try:
            yield
        finally:
            program.terminate()
            try:
                program.wait(timeout=10)
            except subprocess.TimeoutExpired:
                os.killpg(program.pid, signal.SIGKILL)


def _greets(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5) as peer:
        return peer.recv(100).startswith(b"220")
    return False


def _master(postconf: str) -> list[str]:
    found = subprocess.run(
        [postconf, "-d", "-h", "daemon_directory"], check=True, capture_output=True, text=True
    )
    return [f"{found.stdout.strip()}/master"]


def _write_dovecot(folder: Path) -> None:
    home = folder / "dovecot"
    (home / "run").mkdir(parents=True)
    (home / "users").write_text(f"{USER}:{{PLAIN}}{PASSWORD}\n{UMLAUT_USER}:{{PLAIN}}{UMLAUT_PASSWORD}\n")
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
    (home / "token.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    public = home / "keys" / _APPLICATION / "RS256" / _KEY_ID
    public.parent.mkdir(parents=True)
    public.write_bytes(
        key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    (home / "oauth2.conf").write_text(
        "introspection_mode = local\n"
        f"local_validation_key_dict = fs:posix:prefix={home}/keys/\n"
        "username_attribute = upn\n"
        f"issuers = {ISSUER}\n"
    )
    (home / "dovecot.conf").write_text(
        f"""
base_dir = {home}/run
state_dir = {home}
log_path = {home}/log
protocols =
ssl = no
auth_mechanisms = plain login xoauth2
disable_plaintext_auth = no
auth_failure_delay = 0
auth_username_chars =
passdb {{
  driver = passwd-file
  mechanisms = plain login
  args = scheme=PLAIN username_format=%u {home}/users
}}
passdb {{
  driver = oauth2
  mechanisms = xoauth2
  args = {home}/oauth2.conf
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home=/nonexistent
}}
service auth {{
  unix_listener auth-postfix {{
    mode = 0666
  }}
}}
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
"""
    )


def _write_postfix(rig: Postfix) -> None:
    home, spool, mail = rig.folder / "postfix", rig.folder / "spool", rig.folder / "mail"
    for made in (home, spool, rig.folder / "data", mail):
        made.mkdir()
    mail.chmod(0o777)
    shutil.chown(rig.folder / "data", "postfix")
    for name in _QUEUES:
        (spool / name).mkdir(mode=0o700)
        shutil.chown(spool / name, "postfix")
    for name, mode in (("maildrop", 0o730), ("public", 0o710)):
        (spool / name).mkdir()
        (spool / name).chmod(mode)
        shutil.chown(spool / name, "postfix", "postdrop")
    (spool / "pid").mkdir()
    settings = {
        "compatibility_level": "3.6",
        "queue_directory": spool,
        "data_directory": rig.folder / "data",
        "maillog_file": rig.folder / "maillog",
        "maillog_file_prefixes": rig.folder,
        "inet_interfaces": "127.0.0.1",
        "inet_protocols": "ipv4",
        "myhostname": "mail.corp.test",
        "mynetworks": "",
        "mydestination": "",
        "alias_maps": "",
        "local_recipient_maps": "",
        # A mail from this very machine would get headers of Postfix's own.
        "local_header_rewrite_clients": "",
        "default_transport": "discard:",
        "message_size_limit": SIZE_BYTES,
        "virtual_mailbox_domains": "corp.test",
        "virtual_mailbox_maps": f"inline:{{ {{{MAILBOX}=ops/}}, {{{UMLAUT_MAILBOX}=umlaut/}} }}",
        "virtual_mailbox_base": mail,
        "virtual_uid_maps": f"static:{_NOBODY}",
        "virtual_gid_maps": f"static:{_NOBODY}",
        "virtual_mailbox_limit": 0,
        "smtpd_relay_restrictions": "permit_sasl_authenticated, reject_unauth_destination",
        "smtpd_tls_chain_files": rig.folder / "server.pem",
        "smtpd_tls_security_level": "may",
        "smtpd_tls_auth_only": "yes",
        "smtpd_sasl_type": "dovecot",
        "smtpd_sasl_path": rig.folder / "dovecot" / "run" / "auth-postfix",
        "smtpd_error_sleep_time": 0,
        "smtpd_client_connection_count_limit": 0,
    }
    (home / "main.cf").write_text("".join(f"{name} = {value}\n" for name, value in settings.items()))
    signed_in = "-o smtpd_sasl_auth_enable=yes -o smtpd_client_restrictions=permit_sasl_authenticated,reject"
    login_only = "-o smtpd_sasl_mechanism_filter=login"
    encrypted = f"-o smtpd_tls_security_level=encrypt {signed_in}"
    services = {
        f"127.0.0.1:{rig.plain_port} inet n - n - 50": "smtpd",
        f"127.0.0.1:{rig.submission_port} inet n - n - 50": f"smtpd {encrypted}",
        f"127.0.0.1:{rig.login_port} inet n - n - 50": f"smtpd {encrypted} {login_only}",
        f"127.0.0.1:{rig.implicit_port} inet n - n - 50": f"smtpd -o smtpd_tls_wrappermode=yes {signed_in}",
        "cleanup unix n - n - 0": "cleanup",
        "qmgr unix n - n 300 1": "qmgr",
        "tlsmgr unix - - n 1000? 1": "tlsmgr",
        "rewrite unix - - n - -": "trivial-rewrite",
        "bounce unix - - n - 0": "bounce",
        "defer unix - - n - 0": "bounce",
        "trace unix - - n - 0": "bounce",
        "flush unix n - n 1000? 0": "flush",
        "proxymap unix - - n - -": "proxymap",
        "showq unix n - n - -": "showq",
        "error unix - - n - -": "error",
        "retry unix - - n - -": "error",
        "discard unix - - n - -": "discard",
        "virtual unix - n n - -": "virtual",
        "anvil unix - - n - 1": "anvil",
        "postlog unix-dgram n - n - 1": "postlogd",
    }
    (home / "master.cf").write_text("".join(f"{how} {what}\n" for how, what in services.items()))
