"""A scheduler that answers byte by byte holds a worker's slot no longer than one whose answer is large."""

from __future__ import annotations

import itertools
import socket
import threading
from collections.abc import Iterator

import pytest

from tasks.attachments.job_output.opcon_http import ANSWER_MAX_SECONDS, Http
from tasks.attachments.job_output.opcon_settings import OpConSettings
from tasks.attachments.job_output.provider import SchedulerFault
from tasks.attachments.source import Fault

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"


@pytest.fixture
def dripping() -> Iterator[str]:
    """The address of a server that sends a byte each few milliseconds until its client leaves."""
    over = threading.Event()

    def drip(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(HEAD)
            try:
                while not over.wait(0.005):
                    connection.sendall(b"x")
            except OSError:
                return

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=drip, args=(listener,))
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        over.set()
        thread.join(10)
    assert not thread.is_alive()


@pytest.mark.timeout(20)
def test_an_answer_that_drips_is_late_when_its_time_is_over(dripping: str) -> None:
    # Each look at the clock finds a third of the time gone.
    ticks = itertools.count(step=ANSWER_MAX_SECONDS / 3)
    http = Http(OpConSettings(address=dripping), seconds=3600, clock=lambda: float(next(ticks)))
    with pytest.raises(SchedulerFault) as caught:
        http.ask("GET", "/api/jobInstances")
    http.close()
    assert caught.value.kind is Fault.LATE
    assert caught.value.is_passing
