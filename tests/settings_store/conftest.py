"""Keys and stores that the tests of this room share."""

from __future__ import annotations

from pathlib import Path

import pytest
import redis

from settings_store.keyring import Keyring, generate
from settings_store.store import SettingsStore


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    return generate(tmp_path / "keys.json")


@pytest.fixture
def store(any_redis: redis.Redis, keyring: Keyring) -> SettingsStore:
    return SettingsStore(any_redis, keyring=keyring)
