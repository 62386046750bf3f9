"""Samba with several accounts, shares and DFS links, on a loopback address and in a folder of its own.

Needs root. The system's users and settings are not touched: the accounts are names of Samba's own, laid over
users that every Debian has, with a password file in the rig's folder.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.rigs.processes import require_program, wait_until

PASSWORD: Final = "Winter 2026! päß"
USER: Final = "svc_notify"
UPN: Final = "svc_notify@corp.test"
#: Each account and the system's user it is laid over.
_ACCOUNTS: Final = {
    USER: "games",
    "disabled": "man",
    "locked": "lp",
    "expired": "mail",
    "must_change": "news",
}

#: In the kernel's table of connections.
_ESTABLISHED: Final = "01"


class Samba:
    """A running server.

    Attributes:
        folder: Everything of the rig; goes with it.
        address: Where it listens, the name that paths use.
        port: The port.
        reports: The folder of the shares `reports`, `encrypted`, `hidden$` and `denied`.
    """

    def __init__(self, folder: Path, address: str, port: int) -> None:
        self.folder = folder
        self.address = address
        self.port = port
        self.reports = folder / "reports"
        self._server: subprocess.Popen[bytes] | None = None

    def path(self, inner: str, share: str = "reports") -> str:
        r"""A path on a share: `\\address\share\inner`."""
        return rf"\\{self.address}\{share}\{inner}"

    def write(self, name: str, content: bytes) -> Path:
        """Put a file into the folder of the shares."""
        file = self.reports / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        file.chmod(0o644)
        return file

    def link(self, name: str, target: str) -> None:
        r"""Make a DFS link in the share `dfs`; the target is `host\share`."""
        link = self.folder / "dfs" / name
        link.unlink(missing_ok=True)
        link.symlink_to(f"msdfs:{target}")

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        with (self.folder / "stdout").open("ab") as log:
            self._server = subprocess.Popen(
                [require_program("smbd"), "--foreground", "--no-process-group", "-s", str(self._config)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_until(self._answers, what="Samba taking connections")

    def stop(self) -> None:
        """End it with all its connections."""
        self._tell(signal.SIGKILL)
        if self._server is not None:
            self._server.wait()
            self._server = None

    def restore(self) -> None:
        """Let it run, be empty, and have no clients."""
        self.thaw()
        if self._server is None:
            self.start()
        wait_until(lambda: self.connections() == 0, seconds=60, what="Samba's clients having gone")
        for folder in (self.reports, self.folder / "dfs"):
            for entry in folder.iterdir():
                if entry.is_dir() and not entry.is_symlink():
                    shutil.rmtree(entry)
                else:
                    entry.unlink()

    def freeze(self) -> None:
        """Let it keep its connections, take new ones, and answer nothing."""
        self._tell(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._tell(signal.SIGCONT)

    def connections(self) -> int:
        """How many clients are connected."""
        mine = f"{_as_kernel_writes(self.address)}:{self.port:04X}"
        lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
        return sum(1 for fields in map(str.split, lines) if fields[1] == mine and fields[3] == _ESTABLISHED)

    def refused_sign_ins(self) -> int:
        """How many sign-ins it refused, by its own log."""
        return self._logged("status [NT_STATUS_") - self.signed_in()

    def signed_in(self) -> int:
        """How many sign-ins it took, by its own log."""
        return self._logged("status [NT_STATUS_OK]")

    def _logged(self, words: str) -> int:
        logs = (self.folder / "log").glob("log.*")
        return sum(log.read_text(encoding="utf-8", errors="replace").count(words) for log in logs)

    def _tell(self, what: signal.Signals) -> None:
        """Send a signal to the server and to its children: one for each connection, and a few of its own."""
        for pid in _family(self._server.pid) if self._server is not None else ():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, what)

    @contextlib.contextmanager
    def changed(self, settings: str) -> Iterator[None]:
        """Run it with other global settings for a while."""
        usual = self._config.read_text()
        self._restart_with(usual.replace("[reports]", f"{settings}\n[reports]"))
        try:
            yield
        finally:
            self._restart_with(usual)

    def _restart_with(self, settings: str) -> None:
        self.stop()
        self._config.write_text(settings)
        self.start()

    def password(self, account: str, *flags: str) -> None:
        """Change an account with `pdbedit`."""
        self._run("pdbedit", "-s", str(self._config), "-u", _ACCOUNTS[account], "-r", *flags)

    def prepare(self) -> None:
        """Write settings, accounts and folders."""
        for name in ("private", "lock", "state", "cache", "pid", "ncalrpc", "log", "reports", "dfs"):
            (self.folder / name).mkdir(mode=0o755)
        (self.folder / "users").write_text("".join(f"{unix} = {name}\n" for name, unix in _ACCOUNTS.items()))
        with (self.folder / "users").open("a") as users:
            users.write(f'games = "{UPN}"\n')
        self._config.write_text(self._settings())
        for unix in _ACCOUNTS.values():
            self._run(
                "smbpasswd", "-c", str(self._config), "-s", "-a", unix, given=f"{PASSWORD}\n{PASSWORD}\n"
            )
        self.password("disabled", "-c", "[D]")
        self.password("locked", "-c", "[L]")
        self.password("expired", "--kickoff-time=1")
        self._run("net", "-s", str(self._config), "sam", "set", "pwdmustchangenow", "news", "yes")

    @property
    def _config(self) -> Path:
        return self.folder / "smb.conf"

    def _settings(self) -> str:
        own = "\n".join(
            f"  {option} = {self.folder / folder}"
            for option, folder in {
                "private dir": "private",
                "lock directory": "lock",
                "state directory": "state",
                "cache directory": "cache",
                "pid directory": "pid",
                "ncalrpc dir": "ncalrpc",
                "username map": "users",
            }.items()
        )
        return f"""
[global]
  server role = standalone server
  workgroup = CORP
  disable netbios = yes
  smb ports = {self.port}
  interfaces = {self.address}/8
  bind interfaces only = yes
{own}
  log file = {self.folder}/log/log.%m
  log level = 1 auth_audit:3
  passdb backend = tdbsam
  map to guest = Never
  server min protocol = SMB2_10
  server signing = mandatory
  host msdfs = yes
  load printers = no
  disable spoolss = yes
  kernel oplocks = no
  unix charset = UTF-8
[reports]
  path = {self.reports}
  read only = no
  force directory mode = 0777
[encrypted]
  path = {self.reports}
  server smb encrypt = required
[hidden$]
  path = {self.reports}
[denied]
  path = {self.reports}
  valid users = root
[dfs]
  path = {self.folder}/dfs
  msdfs root = yes
"""

    def _run(self, program: str, *arguments: str, given: str = "") -> None:
        done = subprocess.run(
            [require_program(program), *arguments], input=given, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{program}: {done.stdout}{done.stderr}"

    def _answers(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection((self.address, self.port), timeout=5):
            return True
        return False


def _family(pid: int) -> list[int]:
    """A process and all that descend from it."""
    family = [pid]
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                family += _family(int(child))
    return family


def _as_kernel_writes(address: str) -> str:
    return socket.inet_aton(address)[::-1].hex().upper()


def loopback_address() -> str:
    """An address of this machine where the port of SMB itself is free."""
    first, second, third = (secrets.randbelow(250) + 2 for _ in range(3))
    return f"127.{first}.{second}.{third}"


@contextlib.contextmanager
def running_samba(*, port: int = 445) -> Iterator[Samba]:
    """A server on an address of its own; it and its folder are gone afterwards."""
    for program in ("smbd", "smbpasswd", "pdbedit", "net"):
        require_program(program)
    if os.geteuid() != 0:
        if os.environ.get("CI"):
            pytest.fail("CI must run as root: Samba starts only so")
        pytest.skip("needs root for Samba")
    # Not pytest's folder: the accounts of the shares may not enter that one.
    folder = Path(tempfile.mkdtemp(prefix="samba-"))
    samba = Samba(folder, loopback_address(), port)
    try:
        folder.chmod(0o755)
        samba.prepare()
        samba.start()
        yield samba
    finally:
        samba.thaw()
        samba.stop()
        shutil.rmtree(folder, ignore_errors=True)
