"""Pools that are closed when their test ends."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tasks.transports.pool import ConnectionPool
from tasks.transports.trust import Trust
from tests.rigs.certificates import Certificates, make_certificates
from tests.rigs.delivering import PATIENT, SHORT
from tests.rigs.postfix import Postfix, running_postfix


@pytest.fixture
def pool() -> Iterator[ConnectionPool]:
    """A pool that waits as long as a busy machine needs."""
    each = ConnectionPool(timeouts=PATIENT, local_hostname="client.test")
    yield each
    each.close()


@pytest.fixture
def impatient_pool() -> Iterator[ConnectionPool]:
    """A pool that soon stops waiting, for servers that fall silent."""
    each = ConnectionPool(timeouts=SHORT, local_hostname="client.test")
    yield each
    each.close()


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """An authority of our own."""
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def trusting_pool(certificates: Certificates) -> Iterator[ConnectionPool]:
    """A patient pool that trusts our own authority."""
    each = ConnectionPool(timeouts=PATIENT, local_hostname="client.test", trust=Trust(certificates.bundle))
    yield each
    each.close()


@pytest.fixture(scope="session")
def postfix(certificates: Certificates) -> Iterator[Postfix]:
    """A real mail server."""
    with running_postfix(certificates.chain) as rig:
        yield rig
