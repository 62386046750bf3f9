"""One Samba for the tests of this room, and the shares as a worker reads them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from tasks.attachments.unc.shares import Shares
from tasks.attachments.unc.sign_in_guard import SignInGuard
from tests.rigs.samba import Samba, running_samba


@pytest.fixture(scope="session")
def samba_server() -> Iterator[Samba]:
    with running_samba() as samba:
        yield samba


@pytest.fixture
def samba(samba_server: Samba) -> Iterator[Samba]:
    """A server that runs, whatever the last test did to it."""
    samba_server.restore()
    yield samba_server
    samba_server.thaw()


@pytest.fixture
def shares(redis_server: redis.Redis) -> Iterator[Shares]:
    made = Shares(SignInGuard(redis_server))
    yield made
    made.close()
