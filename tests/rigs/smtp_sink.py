"""Postfix's test server, which refuses or hangs up at a command of our choice."""

from __future__ import annotations

import contextlib
import re
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from tests.rigs.processes import free_port, require_program, wait_until

_TAKEN = re.compile(rb"mesg=(\d+)\b")
_LAST_BYTES = 200


class CountingSink:
    """A running smtp-sink that counts.

    Attributes:
        port: Where it listens.
    """

    def __init__(self, port: int, told: Path) -> None:
        self.port = port
        self._told = told

    def taken(self) -> int:
        """How many messages it took."""
        counts = _TAKEN.findall(self._told.read_bytes()[-_LAST_BYTES:])
        return int(counts[-1]) if counts else 0


@contextlib.contextmanager
def counting_sink() -> Iterator[CountingSink]:
    """A running smtp-sink that counts what it takes."""
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "counts"
        with told.open("wb") as output, smtp_sink("-c", "-m", "1000", output=output) as port:
            yield CountingSink(port, told)


@contextlib.contextmanager
def smtp_sink(*options: str, output: IO[bytes] | int = subprocess.DEVNULL) -> Iterator[int]:
    """A running smtp-sink with these options; yields its port."""
    program = require_program("smtp-sink")
    port = free_port()
    # Its warnings about clients that leave are what the tests are about.
    command = [program, *options, "-u", "root", f"127.0.0.1:{port}", "64"]
    with subprocess.Popen(command, stdout=output, stderr=subprocess.DEVNULL) as sink:
        try:

            def listens() -> bool:
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                    return True
                return False

            wait_until(listens, what="smtp-sink listening")
            yield port
        finally:
            sink.kill()
