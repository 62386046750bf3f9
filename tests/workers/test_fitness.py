"""A worker whose key file does not open what its servers need takes no work, says so, and comes back."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from settings_store.keyring import generate
from settings_store.store import SettingsStore
from tests.rigs.delivery_servers import mail_server
from tests.rigs.installation import Installation, running_installation
from tests.rigs.processes import wait_until
from workers.fitness import Fitness

LANES = ["notify.high", "notify.normal", "notify.files", "notify.low"]


class Consumer:
    """Does at once what a worker's consumer does in its loop."""

    def __init__(self) -> None:
        self.queues = list(LANES)

    def call_soon(self, act: object, queue: str) -> None:
        assert callable(act)
        act(queue)

    def cancel_task_queue(self, queue: str) -> None:
        self.queues.remove(queue)

    def add_task_queue(self, queue: str) -> None:
        self.queues.append(queue)


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    return tmp_path / "keys.json"


@pytest.fixture
def installation(tmp_path: Path, key_file: Path) -> Iterator[Installation]:
    """Primary Email asks for a sign-in whose password only the first key file opens."""
    ring = generate(key_file)
    with running_installation(tmp_path, NOTIFY_KEY_FILE=str(key_file)) as running:
        sign_in(SettingsStore(running.runtime.redis, keyring=ring))
        yield running


def sign_in(store: SettingsStore, name: str = "primary_email") -> None:
    store.change(
        {
            f"{name}.server_name": "127.0.0.1",
            f"{name}.authentication_user": "robot",
            f"{name}.authentication_password": store.cipher.seal_for_pasting("open sesame"),
        },
        author="test",
    )


def fitness(installation: Installation, consumer: Consumer) -> Fitness:
    return Fitness(installation.runtime, consumer=lambda: consumer, consumed=lambda: list(consumer.queues))


def test_a_worker_that_can_open_everything_goes_on(installation: Installation) -> None:
    consumer = Consumer()
    fit = fitness(installation, consumer)
    fit.check()
    assert (consumer.queues, fit.fault) == (LANES, "")


def test_a_key_file_that_is_replaced_by_another_takes_the_worker_out_until_the_right_one_is_back(
    installation: Installation, key_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    right = key_file.read_bytes()
    key_file.unlink()
    generate(key_file)
    consumer = Consumer()
    fit = fitness(installation, consumer)
    for _ in range(3):
        fit.check()
    assert consumer.queues == []
    assert fit.fault.startswith("primary_email.authentication_password: ")
    key_file.write_bytes(right)
    fit.check()
    assert (consumer.queues, fit.fault) == (LANES, "")
    told = [record.levelno for record in caplog.records if "worker_" in record.getMessage()]
    assert told == [logging.ERROR, logging.WARNING]


def test_a_key_that_is_added_is_used_without_a_restart_and_without_a_pause(
    installation: Installation, key_file: Path
) -> None:
    consumer = Consumer()
    fit = fitness(installation, consumer)
    fit.check()
    key_file.unlink()
    sign_in(SettingsStore(installation.runtime.redis, keyring=generate(key_file)))
    fit.check()
    assert (consumer.queues, fit.fault) == (LANES, "")


def test_queues_that_were_not_served_are_not_served_afterwards(
    installation: Installation, key_file: Path
) -> None:
    right = key_file.read_bytes()
    key_file.unlink()
    generate(key_file)
    consumer = Consumer()
    consumer.queues = ["notify.high"]
    fit = fitness(installation, consumer)
    fit.check()
    key_file.write_bytes(right)
    fit.check()
    assert consumer.queues == ["notify.high"]


def test_a_secret_that_nobody_can_open_is_no_fault_of_this_worker(
    installation: Installation, caplog: pytest.LogCaptureFixture
) -> None:
    store = installation.runtime.store
    seal = str(store.snapshot().own("primary_email.authentication_password"))
    values = installation.runtime.redis.hget(store.revision_key, "values")
    broken = str(values).replace(seal[-8:], "AAAAAAAA")
    installation.runtime.redis.hset(store.revision_key, "values", broken)
    consumer = Consumer()
    fit = fitness(installation, consumer)
    fit.check()
    assert (consumer.queues, fit.fault) == (LANES, "")
    assert "worker_unfit" not in caplog.text


def test_a_secret_of_a_server_that_is_not_in_use_keeps_nobody_from_work(
    installation: Installation, tmp_path: Path
) -> None:
    other = SettingsStore(installation.runtime.redis, keyring=generate(tmp_path / "other.json"))
    sign_in(other, "primary_sms")
    installation.runtime.store.change({"primary_sms.server_name": ""}, author="test")
    consumer = Consumer()
    fitness(installation, consumer).check()
    assert consumer.queues == LANES


def test_a_real_worker_leaves_the_work_to_the_other_and_comes_back(
    installation: Installation, key_file: Path, tmp_path: Path
) -> None:
    wrong_file = tmp_path / "wrong.json"
    generate(wrong_file)
    runtime = installation.runtime

    def life(name: str) -> str | None:
        lives = {each.name: each.life for each in runtime.fleet.members()}
        found = next((lives[each] for each in lives if each.startswith(f"{name}@")), None)
        return None if found is None else found.unfit

    with mail_server() as server:
        runtime.store.change({"primary_email.server_port": server.port}, author="test")
        with installation.worker("--hostname=unfit@%h", NOTIFY_KEY_FILE=str(wrong_file)) as unfit:
            unfit.wait_logged('worker_unfit reason="takes no work until it is cured" fault="primary_email.')
            wait_until(lambda: bool(life("unfit")), what="the heartbeat saying so")
            ids = installation.publish_many(20)
            with installation.worker("--hostname=fit@%h"):
                wait_until(
                    lambda: installation.queries.counts()["delivered"] == 20, what="all being delivered"
                )
            given_back = [each for each in ids if "cannot use" in str(installation.record(each).timeline)]
            assert given_back == []
            wrong_file.write_bytes(key_file.read_bytes())
            unfit.wait_logged('worker_fit reason="takes work again"')
            published = installation.publish()
            installation.wait_state(published.id, "delivered")
            assert life("unfit") == ""
    assert len(server.got) == 21
