"""An SMTP server that takes everything, after a pause before each reply: `python -m benchmarks.stand.sink`.

It runs in a process of its own, or in a thread of who wants to be told of each mail as it is taken. The verb
XCOUNT, which only benchmarks know, is answered with what it counted.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import re
import smtplib
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tests.rigs.embedded import PROJECT
from tests.rigs.processes import free_port, wait_until

_ID = re.compile(rb"^X-Notification-ID: *(\S+)", re.MULTILINE)
_REPLIES = {
    "EHLO": "250-sink.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 200000000",
    "HELO": "250 sink.test",
    "MAIL": "250 2.1.0 ok",
    "RCPT": "250 2.1.5 ok",
    "DATA": "354 go ahead",
    "RSET": "250 2.0.0 ok",
    "NOOP": "250 2.0.0 ok",
    "QUIT": "221 2.0.0 bye",
}


@dataclass
class Counts:
    """What a sink saw.

    Attributes:
        taken: Mails.
        opened: Connections since it began.
        open_now: Connections at this moment.
        most_open: The most at once since XCOUNT was last asked.
    """

    taken: int = 0
    opened: int = 0
    open_now: int = 0
    most_open: int = 0


@dataclass
class Sink:
    """Serves one port.

    Attributes:
        delay_seconds: Before each reply.
        on_taken: Told the notification's id, and when the reply that took it was written.
    """

    delay_seconds: float = 0.0
    on_taken: Callable[[str, float], None] | None = None
    counts: Counts = field(default_factory=Counts)

    async def serve(self, port: int) -> None:
        """Serve until the task is cancelled."""
        server = await asyncio.start_server(self._talk, "127.0.0.1", port, backlog=256, limit=2**20)
        async with server:
            await server.serve_forever()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.counts.opened += 1
        self.counts.open_now += 1
        self.counts.most_open = max(self.counts.most_open, self.counts.open_now)
        try:
            # A client that hangs up is no fault of the sink's.
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                await self._converse(reader, writer)
        finally:
            self.counts.open_now -= 1
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._say(writer, "220 sink.test ESMTP")
        while line := await reader.readline():
            verb = line.split(None, 1)[0].decode("ascii", "replace").upper() if line.strip() else ""
            if verb == "XCOUNT":
                found = self.counts
                writer.write(f"250 {found.taken} {found.opened} {found.most_open}\r\n".encode())
                found.most_open = found.open_now
                continue
            await self._say(writer, _REPLIES.get(verb, "502 5.5.1 unknown"))
            if verb == "DATA":
                text = await reader.readuntil(b"\r\n.\r\n")
                await self._say(writer, "250 2.0.0 taken")
                self._count(text)
            if verb == "QUIT":
                return

    async def _say(self, writer: asyncio.StreamWriter, reply: str) -> None:
        if self.delay_seconds:
            await asyncio.sleep(self.delay_seconds)
        writer.write(f"{reply}\r\n".encode())

    def _count(self, text: bytes) -> None:
        self.counts.taken += 1
        if self.on_taken is not None:
            found = _ID.search(text)
            self.on_taken(found[1].decode() if found else "", time.perf_counter())


class SinkProcess:
    """A sink in a process of its own."""

    def __init__(self, port: int) -> None:
        self.port = port

    def counts(self) -> Counts:
        """What it counted; the most at once is since the last time that this was asked, and without us."""
        with smtplib.SMTP("127.0.0.1", self.port, local_hostname="client.test") as client:
            taken, opened, most_open = map(int, client.docmd("XCOUNT")[1].split())
        return Counts(taken, opened, most_open=most_open - 1)


@contextlib.contextmanager
def sink_process(delay_seconds: float = 0.0) -> Iterator[SinkProcess]:
    """A sink that takes processor time from nobody who measures in this process."""
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.stand.sink", str(port), "--delay", str(delay_seconds)]
    with subprocess.Popen(command, cwd=PROJECT) as process:
        try:
            wait_until(lambda: _answers(port), what="the sink answering")
            yield SinkProcess(port)
        finally:
            process.kill()


@contextlib.contextmanager
def sink_thread(on_taken: Callable[[str, float], None]) -> Iterator[int]:
    """A sink in this process, which tells of each mail; yields its port."""
    port = free_port()
    loop = asyncio.new_event_loop()

    def serve() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            loop.run_until_complete(serving)

    serving = loop.create_task(Sink(on_taken=on_taken).serve(port))
    thread = threading.Thread(target=serve)
    thread.start()
    try:
        wait_until(lambda: _answers(port), what="the sink answering")
        yield port
    finally:
        loop.call_soon_threadsafe(_cancel_all, loop)
        thread.join()
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


def _cancel_all(loop: asyncio.AbstractEventLoop) -> None:
    for task in asyncio.all_tasks(loop):
        task.cancel()


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5) as peer:
        return peer.recv(100).startswith(b"220")
    return False


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("port", type=int)
    parser.add_argument("--delay", type=float, default=0.0, help="seconds before each reply (0)")
    asked = parser.parse_args()
    asyncio.run(Sink(asked.delay).serve(asked.port))


if __name__ == "__main__":
    main()
