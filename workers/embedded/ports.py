"""Ports on loopback: which are free, and who holds one that is not."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Container, Iterator
from dataclasses import dataclass
from pathlib import Path

LOOPBACK = "127.0.0.1"
_HIGHEST_PORT = 65535
_LISTENING = "0A"


@dataclass(frozen=True, slots=True)
class Holder:
    """The program that listens on a port."""

    pid: int
    program: str

    def __str__(self) -> str:
        return f"{self.program} (pid {self.pid})"


def is_free(port: int) -> bool:
    """Whether a server of ours could listen on this port of loopback now."""
    with socket.socket() as probe:
        # As servers do: a connection that just ended does not make the port taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def next_free(port: int, *, apart_from: Container[int] = ()) -> int:
    """The first free port from this one upwards; any free one where there is none above."""
    for candidate in range(port, _HIGHEST_PORT + 1):
        if candidate not in apart_from and is_free(candidate):
            return candidate
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    """Whether something accepts connections on this port of loopback."""
    with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, port), timeout=1):
        return True
    return False


def holder(port: int) -> Holder | None:
    """Who listens on this port; None where the system does not tell (another user's program, mostly)."""
    sockets = {f"socket:[{inode}]" for inode in _listening_inodes(port)}
    for folder in Path("/proc").glob("[0-9]*") if sockets else ():
        with contextlib.suppress(OSError):
            if any(str(entry.readlink()) in sockets for entry in (folder / "fd").iterdir()):
                return Holder(int(folder.name), (folder / "comm").read_text(encoding="utf-8").strip())
    return None


def _listening_inodes(port: int) -> Iterator[str]:
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError):
            for line in Path(table).read_text(encoding="ascii").splitlines()[1:]:
                columns = line.split()
                if columns[3] == _LISTENING and int(columns[1].rpartition(":")[2], 16) == port:
                    yield columns[9]
