"""Connections on which nothing is asked, against the server as the console configures it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest
import uvicorn
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from console.serving.request_deadline import REQUEST_SECONDS, RequestDeadline
from console.serving.server import Place, configured

_DEADLINE_SECONDS = 60.0
_WHOLE = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nok"


answering = threading.Event()


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with what it was sent, as soon as it is let."""
    body = await Request(scope, receive).body()
    await run_in_threadpool(answering.wait, _DEADLINE_SECONDS)
    await PlainTextResponse(body)(scope, receive, send)


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Where a server is that waits a tenth of a second for a request."""
    answering.set()
    monkeypatch.setattr(RequestDeadline, "request_seconds", 0.1)
    config = configured(echo, Place("127.0.0.1", 0))
    config.lifespan = "off"
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            answering.set()
            server.should_exit = True
            thread.join(_DEADLINE_SECONDS)


def read_to_the_end(peer: socket.socket) -> bytes:
    received = b""
    try:
        while part := peer.recv(65536):
            received += part
    except ConnectionResetError:
        pass
    return received


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"GET / HTTP/1.1\r\nHo",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf",
    ],
    ids=["nothing", "half of the headers", "half of the body"],
)
def test_who_does_not_finish_asking_is_hung_up_on(port: int, said: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=_DEADLINE_SECONDS) as peer:
        peer.sendall(said)
        assert b"200 OK" not in read_to_the_end(peer)


def test_half_of_a_second_request_is_waited_for_no_longer(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=_DEADLINE_SECONDS) as peer:
        peer.sendall(_WHOLE)
        assert b"200 OK" in peer.recv(65536)
        peer.sendall(_WHOLE[:-1])
        assert b"200 OK" not in read_to_the_end(peer)


def test_a_request_that_is_whole_is_answered_however_long_that_takes(port: int) -> None:
    answering.clear()
    with socket.create_connection(("127.0.0.1", port), timeout=_DEADLINE_SECONDS) as peer:
        peer.sendall(_WHOLE.replace(b"Host: x", b"Host: x\r\nConnection: close"))
        with socket.create_connection(("127.0.0.1", port), timeout=_DEADLINE_SECONDS) as later:
            assert read_to_the_end(later) == b"", "the time is over"
        answering.set()
        assert read_to_the_end(peer).endswith(b"ok")
    assert REQUEST_SECONDS == 60.0
