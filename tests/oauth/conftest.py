"""An authority, an identity service that it vouches for, and a mail server that takes its tokens."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.rigs.certificates import Certificates, make_certificates
from tests.rigs.identity_service import IdentityService, identity_service
from tests.rigs.postfix import Postfix, running_postfix


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """An authority of our own."""
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def service(certificates: Certificates) -> Iterator[IdentityService]:
    """A running identity service."""
    with identity_service(certificates.context()) as running:
        yield running


@pytest.fixture(scope="session")
def postfix(certificates: Certificates) -> Iterator[Postfix]:
    """A real mail server."""
    with running_postfix(certificates.chain) as rig:
        yield rig
