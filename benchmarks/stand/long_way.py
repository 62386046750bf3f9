"""A way to a server that takes time, and counts round trips: `python -m benchmarks.stand.long_way`.

It passes bytes on, each after half a round trip, whatever they say: encrypted ones as well. A round trip is
counted where a client sends after it was sent something, which for a client that waits for its answers is
exactly when it had to wait. Connecting is not delayed, so a connection costs one round trip less than it
would on a real way.
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import contextlib
import socket
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from tasks.transports.dialling import acknowledge_at_once
from tests.rigs.embedded import PROJECT
from tests.rigs.processes import free_port, wait_until

_PIECE = 65_536


class Way:
    """What all connections of a way share.

    Attributes:
        seconds: Half a round trip.
        turns: Round trips so far.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.turns = 0


class _Late:
    """Writes what it is given half a round trip later, in order."""

    def __init__(self, seconds: float, writer: asyncio.StreamWriter) -> None:
        self._seconds = seconds
        self._writer = writer
        self._waiting: collections.deque[bytes] = collections.deque()

    def write(self, data: bytes) -> None:
        if not self._seconds:
            self._writer.write(data)
            return
        self._waiting.append(data)
        asyncio.get_running_loop().call_later(self._seconds, self._write_first)

    def _write_first(self) -> None:
        # Timers of one moment may fire in any order; what they write is in order all the same.
        data = self._waiting.popleft()
        if data:
            self._writer.write(data)
        else:
            self._writer.close()


async def serve(port: int, control: int, to: int, way: Way) -> None:
    """Pass on what comes to a port, and tell on another how many round trips there were."""

    async def pass_on(near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        far, forth = await asyncio.open_connection("127.0.0.1", to)
        for writer in (back, forth):
            made: Any = writer.get_extra_info("socket")
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        answered = True

        async def carry(reader: asyncio.StreamReader, late: _Late, *, asks: bool) -> None:
            nonlocal answered
            with contextlib.suppress(ConnectionError):
                while data := await reader.read(_PIECE):
                    if asks and answered:
                        way.turns += 1
                    answered = not asks
                    if not asks:
                        # As the client at the other end does, whose place this takes.
                        acknowledge_at_once(forth.get_extra_info("socket"))
                    late.write(data)
            late.write(b"")

        await asyncio.gather(
            carry(near, _Late(way.seconds, forth), asks=True),
            carry(far, _Late(way.seconds, back), asks=False),
        )

    async def tell(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(str(way.turns).encode())
        writer.close()

    await asyncio.start_server(tell, "127.0.0.1", control)
    passing: set[asyncio.Task[None]] = set()

    def keep(near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        # asyncio itself holds its tasks by weak references alone.
        task = asyncio.get_running_loop().create_task(pass_on(near, back))
        passing.add(task)
        task.add_done_callback(passing.discard)

    server = await asyncio.start_server(keep, "127.0.0.1", port, backlog=256)
    await server.serve_forever()


class LongWay:
    """A running way.

    Attributes:
        port: Where it begins.
    """

    def __init__(self, port: int, control: int) -> None:
        self.port = port
        self._control = control

    def turns(self) -> int:
        """Round trips so far."""
        with socket.create_connection(("127.0.0.1", self._control), timeout=30) as asked:
            return int(asked.makefile("rb").read())


@contextlib.contextmanager
def long_way(to: int, *, round_trip_seconds: float = 0.0) -> Iterator[LongWay]:
    """A way to a port of this machine, in a process of its own."""
    port, control = free_port(), free_port()
    command = [sys.executable, "-m", "benchmarks.stand.long_way", *map(str, (port, control, to))]
    with subprocess.Popen([*command, str(round_trip_seconds)], cwd=PROJECT) as process:
        try:
            way = LongWay(port, control)

            def answers() -> bool:
                with contextlib.suppress(OSError, ValueError):
                    return way.turns() >= 0
                return False

            wait_until(answers, what="the way being open")
            yield way
        finally:
            process.kill()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("port", type=int)
    parser.add_argument("control", type=int, help="the port that tells the round trips")
    parser.add_argument("to", type=int, help="the server's port")
    parser.add_argument("round_trip", type=float, help="seconds")
    asked = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(asked.port, asked.control, asked.to, Way(asked.round_trip / 2)))


if __name__ == "__main__":
    main()
