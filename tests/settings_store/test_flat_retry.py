"""A Redis that takes connections and says nothing is given up in a bounded time."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest
import redis

from settings_store import redis_client


class Silent:
    """Takes every connection, and counts them."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self.peers: list[socket.socket] = []
        self._thread = threading.Thread(target=self._take)
        self._thread.start()

    def _take(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                self.peers.append(self._server.accept()[0])

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join()
        for peer in self.peers:
            peer.close()


@pytest.fixture
def silent() -> Iterator[Silent]:
    server = Silent()
    yield server
    server.close()


@pytest.mark.parametrize("retries", [0, 1, 3])
def test_it_is_asked_once_more_for_each_repeat_and_not_for_each_repeat_of_a_repeat(
    silent: Silent, retries: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_client, "REPLY_TIMEOUT_SECONDS", 0.05)
    client = redis_client.connect(f"redis://127.0.0.1:{silent.port}/0", retries=retries)
    with client, pytest.raises(redis.TimeoutError):
        client.ping()
    assert len(silent.peers) == retries + 1


def test_a_connection_that_redis_closed_meanwhile_is_made_anew(redis_server: redis.Redis) -> None:
    given = redis_server.connection_pool.connection_kwargs
    with redis_client.connect(f"redis://{given['host']}:{given['port']}/{given['db']}", retries=1) as client:
        name = client.client_id()
        redis_server.client_kill_filter(_id=str(name))
        assert client.ping()
        assert client.client_id() != name
