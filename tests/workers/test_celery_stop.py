"""A worker that is asked to stop does so within seconds: nothing lost, nothing doubled, nothing uncertain."""

from __future__ import annotations

import threading

import pytest

from tests.rigs.embedded import descendants, lives
from tests.rigs.installation import Installation
from tests.rigs.mailbox import Mailbox
from tests.rigs.processes import wait_until
from tests.rigs.scripted_smtp import Later

STOPS_WITHIN_SECONDS = 6.0


def _taken(mailbox: Mailbox, least: int, *, what: str) -> None:
    wait_until(lambda: mailbox.taken >= least, what=what)


def test_stopping_under_load_loses_and_doubles_nothing(installation: Installation, mailbox: Mailbox) -> None:
    installation.configure(primary=mailbox)
    mailbox.take_slowly(0.05)
    ids = installation.publish_many(300)
    for _ in range(2):
        before = mailbox.taken
        with installation.worker() as worker:
            _taken(mailbox, before + 60, what="a worker in the middle of it")
            assert worker.stop() < STOPS_WITHIN_SECONDS
            assert worker.process.returncode == 0
        assert installation.queries.counts()["sending"] == 0, "what was begun was ended"
        assert installation.runtime.redis.hlen("notify.unacked") == 0
    with installation.worker():
        wait_until(lambda: not installation.open_count(), what="everything being final")
    assert mailbox.counts() == dict.fromkeys(ids, 1)
    assert {entry["verdict"] for each in ids for entry in installation.record(each).timeline} == {"delivered"}


@pytest.mark.parametrize("pool", ["threads", "prefork"])
def test_a_worker_that_is_asked_to_stop_while_redis_is_away_does_not_wait_for_it(
    installation: Installation, mailbox: Mailbox, pool: str
) -> None:
    installation.configure(primary=mailbox)
    go_on = threading.Event()
    mailbox.answer(".", Later(go_on, "250 2.0.0 queued"))
    published = installation.publish()
    with installation.worker(f"--pool={pool}", "--concurrency=2") as worker:
        _taken(mailbox, 1, what="a text waiting for its answer")
        children = list(descendants(worker.process.pid))
        installation.server.stop()
        go_on.set()
        # The pass has an outcome now, and nobody to tell it to.
        worker.wait_logged("ledger_away")
        worker.process.terminate()
        wait_until(
            lambda: not any(map(lives, [worker.process.pid, *children])),
            seconds=60,
            what="the worker and its children being gone",
        )
    installation.server.start()
    assert installation.record(published.id).state == "sending", "its lease tells the next worker"


@pytest.mark.parametrize("pool", ["threads", "prefork"])
def test_who_comes_in_place_of_a_worker_that_was_stopped_has_its_places_at_the_server_at_once(
    installation: Installation, mailbox: Mailbox, pool: str
) -> None:
    installation.configure(primary=mailbox)
    installation.runtime.store.change({"limits.primary_email_connections": 2}, author="test")
    redis = installation.runtime.redis

    def places() -> int:
        return sum(redis.zcard(key) for key in redis.scan_iter("notify:limit:*:slots"))

    with installation.worker(f"--pool={pool}", "--concurrency=2") as worker:
        installation.publish_many(20)
        wait_until(lambda: not installation.open_count(), what="everything being final")
        assert places() in {1, 2}
        assert mailbox.open_connections in {1, 2}
        assert worker.stop() < STOPS_WITHIN_SECONDS
    assert places() == 0
    assert mailbox.open_connections == 0


def test_a_server_that_says_nothing_to_the_leave_of_a_worker_does_not_hold_it_up(
    installation: Installation, mailbox: Mailbox
) -> None:
    installation.configure(primary=mailbox)
    never = threading.Event()
    mailbox.answer("QUIT", Later(never, "221 2.0.0 bye"))
    try:
        with installation.worker("--concurrency=8") as worker:
            mailbox.take_slowly(0.05)
            installation.publish_many(40)
            wait_until(lambda: not installation.open_count(), what="everything being final")
            assert mailbox.open_connections > 1
            assert worker.stop() < STOPS_WITHIN_SECONDS
            assert worker.process.returncode == 0
    finally:
        never.set()
