"""A pool of connections, an authority of our own and a real mail server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tasks.transports.pool import ConnectionPool
from tests.rigs.certificates import Certificates, make_certificates
from tests.rigs.postfix import Postfix, running_postfix


@pytest.fixture
def pool() -> Iterator[ConnectionPool]:
    each = ConnectionPool(local_hostname="client.test")
    yield each
    each.close()


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def postfix(certificates: Certificates) -> Iterator[Postfix]:
    with running_postfix(certificates.chain) as rig:
        yield rig
