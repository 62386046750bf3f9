from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tasks.transports.dialling import dial, resolve
from tasks.transports.failure import TransportFailure
from tasks.transports.phase import Phase
from tasks.transports.pool import ConnectionPool
from tasks.transports.timeouts import Timeouts
from tasks.verdict import Verdict
from tests.rigs.delivering import SHORT, deliver, server_at
from tests.rigs.processes import free_port
from tests.rigs.scripted_smtp import scripted_server

Resolver = Callable[..., list[Any]]


@pytest.fixture
def full_port() -> Iterator[int]:
    """A port that answers no more, like a host behind a firewall: its queue of connections is full."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.settimeout(0)
            with contextlib.suppress(BlockingIOError):
                filler.connect(listener.getsockname())
        yield listener.getsockname()[1]


def found(*addresses: tuple[str, int]) -> Resolver:
    return lambda *_args, **_more: [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in addresses
    ]


def test_a_refused_connection_is_a_server_down(pool: ConnectionPool) -> None:
    with pytest.raises(TransportFailure) as caught:
        deliver(pool, server_at(free_port()))
    assert str(caught.value) == "connect refused"
    assert caught.value.judgement.verdict is Verdict.SERVER_DOWN
    assert caught.value.judgement.reason == "the server refuses connections"


def test_a_host_that_does_not_answer_times_out(full_port: int) -> None:
    pool = ConnectionPool(timeouts=Timeouts(connect_seconds=0.2))
    with pytest.raises(TransportFailure) as caught:
        deliver(pool, server_at(full_port))
    assert (str(caught.value), caught.value.judgement.verdict) == ("connect timeout", Verdict.SERVER_DOWN)


def test_a_network_that_is_not_there_is_unreachable(
    pool: ConnectionPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_args: object) -> None:
        raise OSError(113, "No route to host")

    monkeypatch.setattr(socket.socket, "connect", unreachable)
    with pytest.raises(TransportFailure) as caught:
        deliver(pool, server_at(25))
    assert (str(caught.value), caught.value.judgement.verdict) == ("connect unreachable", Verdict.SERVER_DOWN)


def test_a_name_without_an_address_is_a_server_down(
    pool: ConnectionPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_args: object, **_more: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(TransportFailure) as caught:
        deliver(pool, server_at(25, host="mail.corp.test"))
    assert (str(caught.value), caught.value.phase) == ("resolve dns", Phase.RESOLVE)
    assert caught.value.judgement.verdict is Verdict.SERVER_DOWN
    assert caught.value.judgement.reason == "the server's name cannot be resolved"


def test_a_resolver_that_hangs_is_left_behind_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()

    def hanging(*_args: object, **_more: object) -> list[Any]:
        release.wait()
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hanging)
    pool = ConnectionPool(timeouts=Timeouts(resolve_seconds=0.1))
    try:
        with pytest.raises(TransportFailure) as caught:
            deliver(pool, server_at(25, host="mail.corp.test"))
    finally:
        release.set()
    assert (str(caught.value), caught.value.judgement.verdict) == ("resolve timeout", Verdict.SERVER_DOWN)


def test_the_next_address_is_tried_when_one_is_dead(
    pool: ConnectionPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with scripted_server() as peer:
        monkeypatch.setattr(
            socket, "getaddrinfo", found(("127.0.0.1", free_port()), ("127.0.0.1", peer.port))
        )
        _, reply = deliver(pool, server_at(peer.port, host="mail.corp.test"))
    assert reply.code == 250


def test_a_silent_address_leaves_the_next_its_share_of_the_time(
    full_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with scripted_server() as peer:
        monkeypatch.setattr(socket, "getaddrinfo", found(("127.0.0.1", full_port), ("127.0.0.1", peer.port)))
        began = time.monotonic()
        dial(resolve("mail.corp.test", 25, SHORT.resolve_seconds), 2.0).close()
        assert time.monotonic() - began < 1.8


def test_small_commands_are_not_held_back_by_the_system() -> None:
    with scripted_server() as peer:
        connected = dial(resolve("127.0.0.1", peer.port, 5), 5)
        assert connected.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        connected.close()


def test_a_system_without_quick_acknowledgements_is_served_too(
    pool: ConnectionPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(socket, "TCP_QUICKACK", raising=False)
    with scripted_server() as peer:
        _, reply = deliver(pool, server_at(peer.port))
    assert reply.code == 250


@pytest.mark.parametrize("seconds", [0, -1, float("nan")])
def test_a_time_out_of_no_time_is_refused(seconds: float) -> None:
    with pytest.raises(ValueError, match="final_seconds must be above 0"):
        Timeouts(final_seconds=seconds)
