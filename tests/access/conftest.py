"""Accounts on a real Redis whose clock a test can move by writing the past."""

from __future__ import annotations

import argon2
import pytest
import redis

from settings_store.access import ADMINISTRATORS, Access, Doorkeeper
from settings_store.access import password as passwords
from tests.rigs.accounts import PASSWORD


@pytest.fixture(autouse=True)
def _cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Argon2 with little memory: what is tested is what we do with it."""
    cheap = argon2.PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", lambda: cheap)
    passwords._nobodys.cache_clear()


@pytest.fixture
def access(any_redis: redis.Redis) -> Access:
    return Access(any_redis)


@pytest.fixture
def anna(access: Access) -> str:
    """An administrator."""
    access.add_account("anna", PASSWORD, [ADMINISTRATORS], by="root@x")
    return "anna"


@pytest.fixture
def door(access: Access) -> Doorkeeper:
    return Doorkeeper(access)
