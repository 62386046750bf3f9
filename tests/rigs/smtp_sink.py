"""Postfix's test server, which refuses or hangs up at a command of our choice."""

from __future__ import annotations

import contextlib
import socket
import subprocess
from collections.abc import Iterator

from tests.rigs.processes import free_port, require_program, wait_until


@contextlib.contextmanager
def smtp_sink(*options: str) -> Iterator[int]:
    """A running smtp-sink with these options; yields its port."""
    program = require_program("smtp-sink")
    port = free_port()
    # Its warnings about clients that leave are what the tests are about.
    command = [program, *options, "-u", "root", f"127.0.0.1:{port}", "64"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as sink:
        try:

            def listens() -> bool:
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                    return True
                return False

            wait_until(listens, what="smtp-sink listening")
            yield port
        finally:
            sink.kill()
