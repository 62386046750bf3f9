"""A text that is larger than what the way to the server holds, to a server that takes its time to read."""

from __future__ import annotations

import contextlib
import hashlib
import random
import socket
import ssl
import threading
from collections.abc import Callable, Iterator

import pytest

from tasks.strands import Strands
from tasks.transports.client import Client
from tests.rigs.certificates import Certificates
from tests.rigs.delivering import PATIENT

#: More than any buffer of loopback holds.
TEXT = random.Random(34).randbytes(16 * 1024 * 1024)  # no secret
LONG = 60.0


class SlowReader:
    """The server's side: it reads nothing until it is told to, and then everything.

    Attributes:
        client: Speaks to it.
    """

    def __init__(self, near: socket.socket, far: socket.socket, tls: ssl.SSLContext | None) -> None:
        self.client = Client(local_hostname="client.test", timeouts=PATIENT)
        self._far = far
        self._tls = tls
        self._may_read = threading.Event()
        self._read = hashlib.sha256()
        self.count = 0
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        if tls is not None:
            trusting = ssl.create_default_context()
            trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
            near = trusting.wrap_socket(near)
        self.near = near
        self.client.speak_over(near)

    def read(self) -> None:
        self._may_read.set()

    def close_ours(self) -> None:
        """Say that no more comes; closing would throw away what is under way: tickets of TLS are unread."""
        socket.socket.shutdown(self.near, socket.SHUT_WR)

    def end(self) -> str:
        """Read to the end; what came, as a sum."""
        self.read()
        self._thread.join(LONG)
        return self._read.hexdigest()

    def _serve(self) -> None:
        peer = self._tls.wrap_socket(self._far, server_side=True) if self._tls else self._far
        self._may_read.wait(LONG)
        with contextlib.suppress(OSError), peer:
            while received := peer.recv(50_000):
                self._read.update(received)
                self.count += len(received)


@pytest.fixture(params=["plain", "TLS"])
def reader(request: pytest.FixtureRequest, certificates: Certificates) -> Iterator[SlowReader]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        near = socket.create_connection(listener.getsockname())
        far, _ = listener.accept()
    made = SlowReader(near, far, certificates.context() if request.param == "TLS" else None)
    yield made
    made.near.close()
    made.end()


def in_a_strand(call: Callable[[], object], *beside: Callable[[], object]) -> None:
    together = Strands()
    try:
        together.run([call, *beside])
    finally:
        together.close()


def test_all_of_it_comes_in_order_and_others_go_on_meanwhile(reader: SlowReader) -> None:
    # Nothing is read before another strand had its turn.
    in_a_strand(lambda: reader.client.send(TEXT, LONG), reader.read)
    reader.close_ours()
    assert reader.end() == hashlib.sha256(TEXT).hexdigest()


def test_outside_of_a_strand_all_of_it_comes_as_well(reader: SlowReader) -> None:
    reader.read()
    reader.client.send(TEXT, LONG)
    reader.close_ours()
    assert reader.end() == hashlib.sha256(TEXT).hexdigest()


@pytest.mark.parametrize("where", [in_a_strand, lambda call: call()], ids=["strand", "thread"])
def test_a_server_that_never_reads_is_waited_for_no_longer_than_allowed(
    reader: SlowReader, where: Callable[[Callable[[], object]], None]
) -> None:
    with pytest.raises(TimeoutError):
        where(lambda: reader.client.send(TEXT, 0.05))
    reader.near.close()
    reader.end()
    assert 0 < reader.count < len(TEXT)


def test_a_server_that_hangs_up_in_the_middle_is_a_broken_connection(reader: SlowReader) -> None:
    def hang_up() -> None:
        socket.socket.shutdown(reader.near, socket.SHUT_RDWR)

    with pytest.raises(OSError, match=r"."):
        in_a_strand(lambda: reader.client.send(TEXT, LONG), hang_up)
