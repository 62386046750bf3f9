"""Redis behind Sentinels: a primary that is killed under load, and what people are told meanwhile."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis

from console.doctor.redis_facts import redis_facts
from settings_store.redis_client import connect
from tests.rigs.command_line import CommandLine
from tests.rigs.foreign_app import send_by_client
from tests.rigs.installation import Installation
from tests.rigs.mailbox import Mailbox, open_mailbox
from tests.rigs.processes import free_port, wait_until
from tests.rigs.sentinel import SENTINEL_PASSWORD, SERVICE, SentinelSet, running_sentinels

#: After this what a dead worker or a lost bell left is rung for, and what is uncertain was sent again.
PAST_EVERYTHING_SECONDS = 31.0, 61.0
#: More than any of our clients may take to say that Redis is away; see `redis_client`.
BOUND_SECONDS = 60.0


@dataclass
class Watched:
    """An installation on a Redis that Sentinels watch."""

    sentinels: SentinelSet
    installation: Installation
    mailbox: Mailbox


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    with open_mailbox() as mailbox, running_sentinels(tmp_path / "sentinels") as sentinels:
        installation = Installation(sentinels, tmp_path)
        installation.configure(primary=mailbox)
        try:
            yield Watched(sentinels, installation, mailbox)
        finally:
            installation.runtime.close()


@pytest.mark.timeout(300)
def test_what_a_replica_has_survives_the_primary_and_the_worker_goes_on_by_itself(
    watched: Watched, tmp_path: Path
) -> None:
    sentinels, installation, mailbox = watched.sentinels, watched.installation, watched.mailbox
    mailbox.take_slowly(0.1)
    with installation.worker() as worker:
        by_client = send_by_client(tmp_path, {"NOTIFY_REDIS_URL": sentinels.url}, wait_seconds=30)
        ids = [by_client["id"], *installation.publish_many(200)]
        wait_until(lambda: mailbox.taken >= 30, seconds=60, what="a worker in the middle of it")
        assert installation.runtime.redis.wait(1, 10_000) >= 1, "a replica has what was accepted"
        known = redis_facts(installation.runtime.redis, by_sentinels=True)
        assert (known.is_replica, known.replicas, known.least_replicas) == (False, 2, 0)
        killed = sentinels.kill_primary()
        ids += _published_as_soon_as_can_be(installation)
        sentinels.wait_other_primary(killed)
        taken = mailbox.taken
        wait_until(lambda: mailbox.taken > taken, seconds=90, what="the worker resuming")
        # What was the primary comes back as a replica.
        sentinels.start()
        for seconds in PAST_EVERYTHING_SECONDS:
            wait_until(lambda: not installation.open_count("waiting", "queued"), seconds=60, what="the most")
            sentinels.advance(seconds)
        wait_until(lambda: not installation.open_count(), seconds=60, what="everything being final")
        assert worker.process.poll() is None, "it was this worker that did it all"
        assert SENTINEL_PASSWORD not in worker.log()
    counts = mailbox.counts()
    for each in ids:
        record = installation.record(each)
        uncertain = any(entry["verdict"] == "uncertain" for entry in record.timeline)
        assert record.state == "delivered" or uncertain, record
        assert counts[each] == 1 or uncertain, record


def _published_as_soon_as_can_be(installation: Installation) -> list[str]:
    """Publish while the primary is away: an error within a bounded time, until it is accepted."""
    deadline = time.monotonic() + 120
    while True:
        began = time.monotonic()
        try:
            return [installation.publish(id="in-between").id]
        except redis.RedisError:
            assert time.monotonic() - began < BOUND_SECONDS
            assert time.monotonic() < deadline


def test_sentinels_that_name_no_such_service_or_do_not_answer_are_told_in_words(
    watched: Watched,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    nowhere = f"sentinel://:geheim@127.0.0.1:{free_port()}/0?service={SERVICE}"
    for wrong in (watched.sentinels.url.replace(SERVICE, "other"), nowhere):
        began = time.monotonic()
        with pytest.raises(redis.RedisError):
            connect(wrong, retries=1).ping()
        assert time.monotonic() - began < BOUND_SECONDS
        done = CommandLine(wrong, monkeypatch, capsys, tmp_path)("options", "get", "text.history_days")
        assert done.code == 1
        assert "(by the Sentinels 127.0.0.1:" in done.error
        assert "geheim" not in done.err
        assert SENTINEL_PASSWORD not in done.err
