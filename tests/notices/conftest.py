from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from settings_store.keyring import Keyring, generate
from tests.rigs.notices_desk import Desk
from tests.rigs.web_receiver import WebReceiver, web_receiver


@pytest.fixture(scope="session")
def keyring(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    return generate(tmp_path_factory.mktemp("keys") / "keys.json")


@pytest.fixture
def desk(redis_server: redis.Redis, keyring: Keyring) -> Desk:
    return Desk(redis_server, keyring)


@pytest.fixture
def receiver() -> Iterator[WebReceiver]:
    with web_receiver() as running:
        yield running
