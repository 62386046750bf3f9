"""A desk with two servers for e-mail and, where a test wants them, two for texts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from settings_store.keyring import Keyring, generate
from tests.rigs.delivery_bench import Bench
from tests.rigs.delivery_servers import MailServer, mail_server


@pytest.fixture(scope="session")
def keyring(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    return generate(tmp_path_factory.mktemp("keys") / "keys.json")


@pytest.fixture
def bench(redis_server: redis.Redis, keyring: Keyring) -> Iterator[Bench]:
    """Nothing is configured yet."""
    bench = Bench(redis_server, keyring)
    yield bench
    bench.close()


@pytest.fixture
def primary(bench: Bench) -> Iterator[MailServer]:
    """Primary Email, up and willing."""
    with mail_server() as server:
        bench.use(primary_email=server)
        yield server
        bench.close()


@pytest.fixture
def secondary(bench: Bench, primary: MailServer) -> Iterator[MailServer]:
    """Secondary Email behind it."""
    assert primary.port
    with mail_server() as server:
        bench.use(secondary_email=server)
        yield server
        bench.close()
