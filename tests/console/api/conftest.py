"""The API of one console, against an installation that is empty for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from settings_store.access import Access
from settings_store.keyring import generate
from tests.rigs.api_client import ApiClient, token_for
from tests.rigs.console import Console, running_console


@pytest.fixture(scope="session")
def api_keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The key file of the installation."""
    path = tmp_path_factory.mktemp("keys") / "keys.json"
    generate(path)
    return path


@pytest.fixture(scope="session")
def api_process(
    valkey_url: str, api_keys: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Console]:
    """The process; it keeps nothing that matters between requests."""
    folder = tmp_path_factory.mktemp("console")
    with running_console(valkey_url, folder, NOTIFY_KEY_FILE=str(api_keys)) as console:
        yield console


@pytest.fixture
def access(redis_server: redis.Redis) -> Access:
    """The accounts and tokens."""
    return Access(redis_server)


@pytest.fixture
def guest(api_process: Console, redis_server: redis.Redis) -> ApiClient:
    """A program without a token."""
    del redis_server  # asked for because it empties Redis
    return ApiClient(api_process.address)


@pytest.fixture
def api(guest: ApiClient, access: Access) -> ApiClient:
    """A program that may do everything that a token can."""
    return ApiClient(guest.root, token_for(access))
