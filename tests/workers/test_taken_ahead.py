"""A worker takes few messages for which it has no slot: what is urgent passes those in the broker."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from kombu.asynchronous import get_event_loop, set_event_loop

from tests.rigs.installation import Installation
from tests.rigs.mailbox import Mailbox
from tests.rigs.processes import wait_until
from tests.rigs.scripted_smtp import Later
from workers.taken_ahead import TakenAhead
from workers.thread_pool import TaskPool


class Loop:
    """What stands for Celery's main loop."""

    def __init__(self) -> None:
        self.woken = threading.Semaphore(0)

    def call_soon(self, callback: object) -> None:
        assert callable(callback)
        self.woken.release()


@pytest.fixture
def loop() -> Iterator[Loop]:
    before, loop = get_event_loop(), Loop()
    set_event_loop(loop)  # type: ignore[arg-type]  # of which one method is used
    yield loop
    set_event_loop(before)


def test_a_task_waits_until_a_thread_begins_it_and_the_main_loop_hears_of_that(loop: Loop) -> None:
    pool = TaskPool(limit=2)
    pool.start()
    go_on = threading.Event()
    begun: list[object] = []
    ahead = TakenAhead(pool, 16)
    try:
        for _ in range(2):
            pool.apply_async(go_on.wait, (60,), accept_callback=lambda *what: begun.append(what))
        assert all(loop.woken.acquire(timeout=60) for _ in range(2))
        assert (pool.waiting, len(begun), ahead.is_enough()) == (0, 2, False)
        pool.apply_async(go_on.wait, (60,))
        assert (pool.waiting, ahead.is_enough()) == (1, False)
        pool.apply_async(go_on.wait, (60,))
        assert (pool.waiting, ahead.is_enough()) == (2, True)
        assert not loop.woken.acquire(blocking=False)
        go_on.set()
        assert all(loop.woken.acquire(timeout=60) for _ in range(2))
        assert (pool.waiting, ahead.is_enough()) == (0, False)
    finally:
        go_on.set()
        pool.stop()


@pytest.mark.parametrize("slots, most", [(1, 1), (8, 1), (16, 2), (64, 8)])
def test_one_message_is_taken_ahead_for_eight_slots(slots: int, most: int) -> None:
    pool = TaskPool(limit=slots)
    pool.waiting = most - 1
    assert not TakenAhead(pool, slots).is_enough()
    pool.waiting = most
    assert TakenAhead(pool, slots).is_enough()


@pytest.mark.parametrize("pool, slots", [("threads", 8), ("prefork", 2)])
def test_what_waits_for_a_slot_waits_in_the_broker_where_what_is_urgent_passes_it(
    installation: Installation, mailbox: Mailbox, pool: str, slots: int
) -> None:
    installation.configure(primary=mailbox)
    go_on = threading.Event()
    mailbox.answer(".", Later(go_on, "250 2.0.0 queued"))
    client = installation.runtime.redis
    # One by one, so that each is a message of its own.
    ids = [installation.publish().id for _ in range(3 * slots)]
    with installation.worker(f"--pool={pool}", f"--concurrency={slots}"):
        wait_until(lambda: mailbox.taken == slots, seconds=60, what="all slots being in use")
        urgent = installation.publish(priority="high").id
        left = len(ids) - slots - 1
        wait_until(lambda: client.llen("notify.normal") == left, seconds=60, what="one being taken ahead")
        assert client.llen("notify.high") == 1
        go_on.set()
        wait_until(lambda: not installation.open_count(), seconds=60, what="all being delivered")
    # By when each was begun: those that have slots at the same time end in any order.
    begun = sorted([*ids, urgent], key=lambda each: installation.record(each).timeline[0]["at"])
    # Behind those that had a slot, the one taken ahead, and one that now and then goes before.
    assert begun.index(urgent) <= slots + 2
