"""A desk with two servers for e-mail and, where a test wants them, two for texts."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import pytest
import redis

from settings_store.keyring import Keyring, generate
from tasks.attachments.gatherer import Places
from tasks.attachments.local_files import LocalFiles
from tasks.delivery.deliverer import Deliverer
from tests.rigs.another_worker import Another
from tests.rigs.delivery_bench import Bench
from tests.rigs.delivery_servers import MailServer, mail_server
from tests.rigs.job_mails import STDERR, STDOUT
from tests.rigs.odd_files import OddFile, OddShare
from tests.rigs.scheduler_api import PASSWORD, USER, SchedulerApi, scheduler_api
from tests.rigs.side_by_side import Batch


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


@pytest.fixture
def share(bench: Bench) -> Iterator[OddShare]:
    """A share whose files a test makes; each is given back as often as it was given out."""
    share = OddShare()
    bench.gatherer = bench.gatherer_of(Places(LocalFiles(), share))
    bench.deliverer = bench.new_deliverer()
    yield share
    for file in share.given:
        assert isinstance(file, OddFile)
        assert file.closed == share.given.count(file)


@pytest.fixture
def scheduler(bench: Bench) -> Iterator[SchedulerApi]:
    with scheduler_api(outputs={123: {STDOUT: "grün\n", STDERR: "oh no"}}) as scheduler:
        bench.set(jors__api_address=scheduler.address, jors__api_user=USER, jors__api_password=PASSWORD)
        yield scheduler


@pytest.fixture
def another(bench: Bench) -> Iterator[Another]:
    worker = Another(bench, "w2")
    yield worker
    worker.pool.close()


@pytest.fixture
def batch_of(bench: Bench) -> Iterator[Callable[..., Batch]]:
    with contextlib.ExitStack() as ends:

        def make(slots: int, **more: Deliverer) -> Batch:
            made = Batch(bench, slots, **more)
            ends.callback(made.close)
            return made

        yield make
